"""Why an answer is marked as it is: the verdict, what was read, where it stood; asks no model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lamas.answers.aside import find, find_program
from lamas.answers.final_answer import last_mark
from lamas.answers.plain_text import canonical_text
from lamas.answers.python_source import parsed
from lamas.benchmarks.benchmark import BenchmarkKind, ScorerName
from lamas.benchmarks.scorers import build_scorer
from lamas.errors import BenchmarkError

Verdict = Literal["right", "wrong", "no answer", "read", "no program", "no candidate"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """One answer, and what the judge made of it."""

    verdict: Verdict
    extracted: str | None
    """Canonical form of the answer, the candidate's letter, or the whole program that is run."""
    place: str
    """Where in the text it stood."""
    why: str
    """What speaks against it; empty when nothing does."""


def scorer_of(kind: BenchmarkKind, scorer: ScorerName, reference: str) -> ScorerName:
    """Which scorer judges a pair of a benchmark of this kind; not for programs."""
    match kind:
        case "gsm8k":
            return "number"
        case "math":
            return "math"
        case "generated":
            return (
                "number"
                if canonical_text(reference).lstrip("-").replace(".", "").isdigit()
                else "exact"
            )
        case _:
            return scorer


async def explain_answer(
    scorer: ScorerName, reference: str, answer: str, choices: Sequence[str] = ()
) -> Explanation:
    """How `scorer` judges the answer; of a worked reference the marked answer counts."""
    marked = last_mark(reference, phrases=False) if scorer in ("number", "math") else None
    wanted = reference if marked is None else marked.content
    if scorer == "choice" and len(wanted.strip().strip("().")) != 1:
        raise BenchmarkError(
            f"reference {wanted[:60]!r} is no letter: scorer choice compares letters such as B"
        )
    score = await build_scorer(scorer).score(wanted, answer, choices)
    if score.extracted is None:
        return Explanation(verdict="no answer", extracted=None, place="", why=score.detail)
    return Explanation(
        verdict="right" if score.value == 1.0 else "wrong",
        extracted=score.extracted,
        place=score.place,
        why=score.detail,
    )


async def explain_program(prompt: str, entry_point: str, answer: str) -> Explanation:
    """The program that is run for an answer to a code problem; it is not run here."""
    read = await find_program(answer, prompt, entry_point)
    if read.program is None:
        return Explanation(verdict="no program", extracted=None, place="", why=read.place)
    return Explanation(verdict="read", extracted=read.program, place=read.place, why="")


async def explain_pick(candidates: int, reply: str) -> Explanation:
    """Which of `candidates` a reply to ScEnsemble picks."""
    found = await find("letter", reply, count=candidates)
    if found.form is None:
        why = f"{found.place}: the first of the most frequent answers is kept"
        return Explanation(verdict="no candidate", extracted=None, place="", why=why)
    return Explanation(verdict="read", extracted=found.form, place=found.place, why="")


def entry_point_of(prompt: str) -> str:
    """The function a prompt asks for: the last it begins; BenchmarkError when it begins none."""
    if prompt.strip().isidentifier():
        return prompt.strip()
    source = parsed(prompt.rstrip() + "\n    pass\n") or parsed(prompt)
    names = [getattr(node, "name", "") for node in source.tree.body] if source is not None else []
    named = [name for name in names if name]
    if not named:
        raise BenchmarkError(
            f"{prompt[:60]!r} begins no function: give the prompt with its `def` line, or the "
            "function's name"
        )
    return named[-1]
