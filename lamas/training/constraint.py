"""What a controller must not fall below, and the multiplier at which it just does not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lamas.domain import ExecutionGraph
from lamas.errors import DomainError
from lamas.execution.graph_values import Floats

_BISECTIONS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class FixedGraph:
    """One graph for every query, and its means over the problems it was chosen on."""

    column: int
    """Its place among the graphs it was chosen from."""
    graph: ExecutionGraph
    score: float
    time: float


def best_fixed(
    graphs: Sequence[ExecutionGraph], score: Floats, time: Floats, *, deadline: float | None = None
) -> FixedGraph:
    """The graph of the highest mean score, at a tie the faster, then the first.

    `score` and `time` are [P, G], G the `graphs`. With a deadline only graphs whose mean time stays
    within it count; DomainError when none does.
    """
    scores, times = score.mean(axis=0), time.mean(axis=0)
    allowed = np.flatnonzero(times <= (np.inf if deadline is None else deadline))
    if len(allowed) == 0:
        raise DomainError(
            f"no fixed graph takes at most {deadline} on average: the fastest takes "
            f"{times.min():.4g}"
        )
    ranked = sorted(allowed.tolist(), key=lambda at: (-scores[at], times[at], at))
    column = ranked[0]
    return FixedGraph(
        column=column,
        graph=graphs[column],
        score=float(scores[column]),
        time=float(times[column]),
    )


def fixed_frontier(score: Floats, time: Floats) -> list[int]:
    """Columns of the graphs that no mixture of others beats in means, by rising time."""
    scores, times = score.mean(axis=0), time.mean(axis=0)
    hull: list[int] = []
    for at in sorted(range(len(scores)), key=lambda at: (times[at], -scores[at])):
        if hull and scores[at] <= scores[hull[-1]]:
            continue
        while len(hull) > 1 and _slope(scores, times, hull[-1], at) >= _slope(
            scores, times, hull[-2], hull[-1]
        ):
            hull.pop()
        hull.append(at)
    return hull


def _slope(scores: Floats, times: Floats, a: int, b: int) -> float:
    return float((scores[b] - scores[a]) / max(times[b] - times[a], 1e-12))


def multiplier_range(score: Floats, time: Floats) -> tuple[float, float]:
    """Multipliers that matter: an order beyond the slopes of the fixed graphs' frontier."""
    hull = fixed_frontier(score, time)
    scores, times = score.mean(axis=0), time.mean(axis=0)
    slopes = [_slope(scores, times, a, b) for a, b in pairwise(hull)]
    if not slopes:
        # One graph is best in both: a unit of its time is worth about its whole score.
        slopes = [max(float(scores[hull[0]]), 0.01) / max(float(times[hull[0]]), 1e-9)]
    return min(slopes) / 10.0, max(slopes) * 10.0


def fewest_as_good(values: Sequence[Floats]) -> int:
    """Which of several fits, in order of the steps they took, is as good as the best.

    The first whose mean value [P] on problems not fitted to is within a standard error of the best
    one's. The error is that of the difference on the same problems (Breiman et al., 1984): what
    more steps gain by chance is not taken for a gain.
    """
    best = values[int(np.argmax([value.mean() for value in values]))]
    for place, value in enumerate(values):
        gap = best - value
        if gap.mean() <= gap.std() / np.sqrt(len(gap)):
            return place
    raise AssertionError("the best is as good as itself")


def largest_multiplier(
    score_at: Callable[[float], float], wanted: float, *, low: float, high: float
) -> float:
    """The largest logarithm of a multiplier in [low, high] found with `score_at` ≥ `wanted`.

    By bisection; scores fall as multipliers rise, but for noise, and what is returned always meets
    the bound, unless nothing does: then `low`, the most careful there is.
    """
    if score_at(high) >= wanted:
        return high
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if score_at(middle) >= wanted:
            low = middle
        else:
            high = middle
    return low
