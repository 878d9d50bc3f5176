"""The judges of short answers by name; each finds, normalises and compares."""

from collections.abc import Callable
from typing import Protocol

from lamas.benchmarks.benchmark import Score, ScorerName
from lamas.benchmarks.choice_answers import extract_choice
from lamas.benchmarks.math_answers import (
    canonical_math,
    contradicts,
    find_math_answer,
    plainly_different,
    same_spelling,
)
from lamas.benchmarks.math_judge import MathJudge, shared_judge
from lamas.benchmarks.number_answers import extract_number, same_number
from lamas.benchmarks.text_answers import extract_text

NO_ANSWER = "no answer found"


class Scorer(Protocol):
    """Judges solution texts against a short reference answer."""

    def extract(self, text: str) -> str | None: ...

    async def score(self, reference: str, answer: str) -> Score: ...


class NumberScorer:
    """The GSM8K rules: the marked or last number, equal up to one millionth."""

    def extract(self, text: str) -> str | None:
        return extract_number(text)

    async def score(self, reference: str, answer: str) -> Score:
        given, wanted = extract_number(answer), extract_number(reference)
        if given is None or wanted is None:
            return Score(value=0.0, extracted=given, detail=NO_ANSWER)
        right = same_number(wanted, given)
        return Score(value=float(right), extracted=given, detail="" if right else f"not {wanted}")


class MathScorer:
    """Equality of mathematical answers: the same spelling, else what math-verify finds."""

    def __init__(self, judge: Callable[[], MathJudge] = shared_judge) -> None:
        self._judge = judge

    def extract(self, text: str) -> str | None:
        answer = find_math_answer(text)
        return (canonical_math(answer) or None) if answer else None

    async def score(self, reference: str, answer: str) -> Score:
        """`reference` is the bare answer, not a solution text."""
        given = find_math_answer(answer)
        form = canonical_math(given) if given else ""
        if not given or not form:
            return Score(value=0.0, extracted=None, detail=NO_ANSWER)
        if contradicts(reference, given):
            return Score(value=0.0, extracted=form, detail=f"not {reference}")
        if same_spelling(reference, given):
            return Score(value=1.0, extracted=form)
        if plainly_different(reference, given):
            return Score(value=0.0, extracted=form, detail=f"not {reference}")
        verdict = await self._judge().compare_aside(reference, given)
        detail = "" if verdict.equal else verdict.detail or f"not {reference}"
        return Score(value=float(verdict.equal), extracted=form, detail=detail)


class FormScorer:
    """Equality of canonical forms."""

    def __init__(self, extract: Callable[[str], str | None]) -> None:
        self._extract = extract

    def extract(self, text: str) -> str | None:
        return self._extract(text)

    async def score(self, reference: str, answer: str) -> Score:
        given, wanted = self._extract(answer), self._extract(reference)
        if given is None:
            return Score(value=0.0, extracted=None, detail=NO_ANSWER)
        right = given == wanted
        return Score(value=float(right), extracted=given, detail="" if right else f"not {wanted}")


def build_scorer(name: ScorerName) -> Scorer:
    """The judge of that name."""
    match name:
        case "number":
            return NumberScorer()
        case "math":
            return MathScorer()
        case "exact":
            return FormScorer(extract_text)
        case "choice":
            return FormScorer(extract_choice)
