"""The judges of short answers by name; each finds, normalises and compares."""

from collections.abc import Callable, Sequence
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from lamas.answers.aside import find
from lamas.answers.formula import contradicts, plainly_different, same_spelling
from lamas.answers.found import Found
from lamas.answers.number import extract_number, same_number
from lamas.answers.plain_text import squad_f1, squad_text
from lamas.benchmarks.benchmark import Score, ScorerName
from lamas.benchmarks.math_judge import MathJudge, shared_judge

NO_ANSWER = "no answer found"


class Scorer(Protocol):
    """Judges solution texts against a short reference answer.

    `choices` are the options of a multiple-choice problem; only ChoiceScorer looks at them.
    """

    async def extract(self, text: str, choices: Sequence[str] = ()) -> str | None: ...

    async def score(self, reference: str, answer: str, choices: Sequence[str] = ()) -> Score: ...


class NumberScorer:
    """The GSM8K rules: the marked or last number; `same_number` says what is equal."""

    async def extract(self, text: str, choices: Sequence[str] = ()) -> str | None:
        return (await find("number", text)).form

    async def score(self, reference: str, answer: str, choices: Sequence[str] = ()) -> Score:
        found, wanted = await find("number", answer), extract_number(reference)
        if found.form is None or wanted is None:
            return _nothing(found)
        return _judged(found, same_number(wanted, found.form), wanted)


class MathScorer:
    """Equality of mathematical answers: the same spelling, else what math-verify finds."""

    def __init__(self, judge: Callable[[], MathJudge] = shared_judge) -> None:
        self._judge = judge

    async def extract(self, text: str, choices: Sequence[str] = ()) -> str | None:
        return (await find("math", text)).form

    async def score(self, reference: str, answer: str, choices: Sequence[str] = ()) -> Score:
        """`reference` is the bare answer, not a solution text."""
        found = await find("math", answer)
        given = found.written
        if found.form is None:
            return _nothing(found)
        if contradicts(reference, given):
            return _judged(found, False, reference)
        if same_spelling(reference, given):
            return _judged(found, True, reference)
        if plainly_different(reference, given):
            return _judged(found, False, reference)
        verdict = await self._judge().compare_aside(reference, given)
        return _judged(found, verdict.equal, reference, verdict.detail)


class TextScorer:
    """Equality of canonical texts."""

    async def extract(self, text: str, choices: Sequence[str] = ()) -> str | None:
        return (await find("exact", text)).form

    async def score(self, reference: str, answer: str, choices: Sequence[str] = ()) -> Score:
        found, wanted = await find("exact", answer), (await find("exact", reference)).form
        if found.form is None:
            return _nothing(found)
        return _judged(found, found.form == wanted, wanted or reference)


class SquadScorer:
    """Exact match under SQuAD's normalisation; a JSON list of references accepts any of them."""

    async def extract(self, text: str, choices: Sequence[str] = ()) -> str | None:
        return (await find("squad", text)).form

    async def score(self, reference: str, answer: str, choices: Sequence[str] = ()) -> Score:
        found = await find("squad", answer)
        if found.form is None:
            return _nothing(found)
        wanted = [squad_text(text) for text in references_of(reference)]
        nearest = max(wanted, key=lambda text: squad_f1(text, found.form or ""), default="")
        f1 = squad_f1(nearest, found.form)
        return _judged(found, found.form in wanted, nearest, f"not {nearest} (F1 {f1:.2f})")


class ChoiceScorer:
    """The letter of an option; letters beyond the problem's choices are no answers."""

    async def extract(self, text: str, choices: Sequence[str] = ()) -> str | None:
        return (await find("choice", text, choices=choices)).form

    async def score(self, reference: str, answer: str, choices: Sequence[str] = ()) -> Score:
        """`reference` is the letter."""
        found = await find("choice", answer, choices=choices)
        wanted = reference.strip().strip("()").upper()
        return (
            _nothing(found) if found.form is None else _judged(found, found.form == wanted, wanted)
        )


def references_of(reference: str) -> tuple[str, ...]:
    """The answers a reference accepts: those of a JSON list, or the text itself."""
    if reference.lstrip().startswith("["):
        try:
            return TypeAdapter(tuple[str, ...]).validate_json(reference)
        except ValidationError:
            return (reference,)
    return (reference,)


def build_scorer(name: ScorerName) -> Scorer:
    """The judge of that name."""
    match name:
        case "number":
            return NumberScorer()
        case "math":
            return MathScorer()
        case "exact":
            return TextScorer()
        case "squad":
            return SquadScorer()
        case "choice":
            return ChoiceScorer()


def _nothing(found: Found) -> Score:
    return Score(value=0.0, extracted=None, detail=found.place or NO_ANSWER)


def _judged(found: Found, right: bool, wanted: str, detail: str = "") -> Score:
    """A wrong answer is told what was wanted, or the reason `detail` gives."""
    why = "" if right else detail or f"not {wanted}"
    return Score(value=float(right), extracted=found.form, detail=why, place=found.place)
