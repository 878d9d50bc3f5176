"""The area under frontiers of score against time, and how sure it is."""

import numpy as np
from numpy.typing import NDArray

from lamas.evaluation.hierarchical import (
    PairedEstimate,
    ResampledEffects,
    estimate_of,
    resampling_weights,
)
from lamas.evaluation.intervals import RESAMPLES

Array = NDArray[np.float64]


def hypervolumes(score: Array, time: Array, *, worst_score: float, worst_time: float) -> Array:
    """[R]: the area that each row's points [R, G] dominate, up to the corner.

    In score × unit of time. What lies beyond the corner adds nothing.
    """
    order = np.argsort(time, axis=1, kind="stable")
    times = np.take_along_axis(time, order, axis=1).clip(max=worst_time)
    reached = np.take_along_axis(score, order, axis=1).clip(min=worst_score) - worst_score
    reached = np.maximum.accumulate(reached, axis=1)
    until = np.concatenate([times[:, 1:], np.full((len(times), 1), worst_time)], axis=1)
    return (reached * (until - times)).sum(axis=1)


def compare_hypervolumes(
    a: tuple[Array, Array],
    b: tuple[Array, Array],
    *,
    worst_score: float,
    worst_time: float,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> PairedEstimate:
    """How much larger A's hypervolume is than B's, with a 95 % interval over seeds and problems.

    Each is (score, time) of [S, P, G]: training seeds, problems, points of the frontier; B may have
    other points than A. The hypervolume is that of the means over problems, averaged over seeds.
    Seeds and problems are drawn as in `hierarchical_bootstrap`.
    """
    seeds, problems = a[0].shape[:2]

    def by_seed(weights: Array) -> Array:
        """[R, S] differences under weights [R, P] of the problems."""
        share = weights / weights.sum(axis=1, keepdims=True)
        found = np.zeros((len(weights), seeds))
        for place in range(seeds):
            for sign, (score, time) in ((1.0, a), (-1.0, b)):
                found[:, place] += sign * hypervolumes(
                    share @ score[place],
                    share @ time[place],
                    worst_score=worst_score,
                    worst_time=worst_time,
                )
        return found

    of_all = by_seed(np.ones((1, problems)))[0]
    of_seeds: list[Array] = []
    of_problems: list[Array] = []
    of_both: list[Array] = []
    for seed_weights, problem_weights in resampling_weights(seeds, problems, resamples, seed):
        shares = seed_weights / seed_weights.sum(axis=1, keepdims=True)
        found = by_seed(problem_weights)
        of_seeds.append(shares @ of_all)
        of_problems.append(found.mean(axis=1))
        of_both.append((shares * found).sum(axis=1))
    drawn = ResampledEffects(
        float(of_all.mean()),
        np.concatenate(of_seeds),
        np.concatenate(of_problems),
        np.concatenate(of_both),
    )
    return estimate_of(
        drawn,
        metric="hypervolume_difference",
        seeds=seeds,
        problems=problems,
        pairs=seeds * problems,
        resamples=resamples,
    )
