"""Answers judged as `lamas score` judges them, for tables of pairs."""

from collections.abc import Sequence
from functools import lru_cache

from lamas.benchmarks.benchmark import Score, ScorerName
from lamas.benchmarks.math_judge import MathJudge
from lamas.benchmarks.scorers import MathScorer, build_scorer

Pair = tuple[ScorerName, str, str, bool]
"""(scorer, reference, answer, whether it is right)."""

_patient = lru_cache(lambda: MathJudge(seconds=3))


async def judged(
    scorer: ScorerName, reference: str, answer: str, choices: Sequence[str] = ()
) -> Score:
    """The score, formulas compared with a judge that the tests share."""
    chosen = MathScorer(_patient) if scorer == "math" else build_scorer(scorer)
    return await chosen.score(reference, answer, choices)
