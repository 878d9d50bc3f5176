"""The frontier of score against an expense: which policies no other beats in both."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lamas.errors import DomainError


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """One policy: more score is better, less expense is."""

    name: str
    score: float
    expense: float
    """CP_len in tokens, USD or seconds."""


def dominated(points: Sequence[Tradeoff]) -> tuple[bool, ...]:
    """For each point whether another is no worse in both and better in one.

    Equal points do not dominate each other. O(n log n).
    """
    _check(points)
    order = sorted(range(len(points)), key=lambda at: (points[at].expense, -points[at].score))
    beaten = [False] * len(points)
    best: Tradeoff | None = None
    for at in order:
        point = points[at]
        if best is None or point.score > best.score:
            best = point
        else:
            # The best so far costs no more; equal score makes it better only if it costs less.
            beaten[at] = point.score < best.score or point.expense > best.expense
    return tuple(beaten)


def frontier(points: Sequence[Tradeoff]) -> tuple[Tradeoff, ...]:
    """The points that no other dominates, by expense, then name."""
    kept = [point for point, beaten in zip(points, dominated(points), strict=True) if not beaten]
    return tuple(sorted(kept, key=lambda point: (point.expense, point.name)))


def hypervolume(points: Sequence[Tradeoff], *, worst_score: float, worst_expense: float) -> float:
    """Area that the points dominate up to the reference corner (worst_score, worst_expense).

    In score × unit of expense; 0 without points. What lies beyond the corner adds nothing, so two
    sets compare only with the same corner. Divide by (best − worst score) · worst_expense for a
    share. DomainError for values that are not finite.
    """
    if not (math.isfinite(worst_score) and math.isfinite(worst_expense)):
        raise DomainError(f"the corner ({worst_score}, {worst_expense}) must be finite")
    area, reached = 0.0, worst_score
    for point in frontier(points):
        if point.expense < worst_expense and point.score > reached:
            area += (worst_expense - point.expense) * (point.score - reached)
            reached = point.score
    return area


def _check(points: Sequence[Tradeoff]) -> None:
    for point in points:
        if not (math.isfinite(point.score) and math.isfinite(point.expense)):
            raise DomainError(
                f"{point.name}: score {point.score} and expense {point.expense} must be finite"
            )
