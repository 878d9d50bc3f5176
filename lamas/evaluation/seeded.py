"""Compares policies that were trained with several seeds and evaluated on the same problems."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from lamas.domain import AnyResult
from lamas.errors import DomainError
from lamas.evaluation.hierarchical import Array, PairedEstimate, hierarchical_bootstrap
from lamas.evaluation.metrics import finished_in_order, mean, score_value

BySeed = Mapping[int, Sequence[AnyResult]]
_Cells = dict[int, dict[str, list[AnyResult]]]


def compare_over_seeds(
    a: BySeed | Sequence[AnyResult], b: BySeed | Sequence[AnyResult], *, seed: int = 0
) -> tuple[PairedEstimate, ...]:
    """Differences of A from B over the (training seed, problem) pairs that both finished.

    A mapping holds the rollouts by training seed; a plain sequence is a policy without one (a fixed
    topology), set against every seed of the other. Several rollouts of a problem with one
    seed are averaged first, so every pair counts once. The metrics are those of `compare`:
    `score_difference`, then `cp_tokens_log_ratio`, `cost_usd_log_ratio` and
    `makespan_seconds_log_ratio`; a log-ratio is left out where a mean is 0 (a free model), that of
    makespans where calls were replayed. `seed` fixes the bootstrap. Raises DomainError when the
    policies finished no pair in common.
    """
    of_a, of_b = _aligned(a, b)
    seeds = sorted(of_a.keys() & of_b.keys())
    problems = sorted({name for key in seeds for name in of_a[key].keys() & of_b[key].keys()})
    if not problems:
        raise DomainError("the two policies finished no (training seed, problem) in common")

    estimates = [
        hierarchical_bootstrap(
            _table(of_a, of_b, seeds, problems, score_value),
            _table(of_b, of_a, seeds, problems, score_value),
            effect="difference",
            metric="score_difference",
            seed=seed,
        )
    ]
    for name, value in _amounts(_shown(of_a, of_b, seeds)):
        left = _table(of_a, of_b, seeds, problems, value)
        right = _table(of_b, of_a, seeds, problems, value)
        if np.nansum(left) > 0.0 and np.nansum(right) > 0.0:
            metric = f"{name}_log_ratio"
            estimates.append(
                hierarchical_bootstrap(left, right, effect="log_ratio", metric=metric, seed=seed)
            )
    return tuple(estimates)


def means_over_seeds(
    a: BySeed | Sequence[AnyResult], *, seed: int = 0
) -> tuple[PairedEstimate, ...]:
    """`score`, `cp_tokens`, `cost_usd` and, where measured, `makespan_seconds` of one policy.

    Means over its (training seed, problem) pairs with intervals over both, as
    `compare_over_seeds` gives them for differences; those of amounts are taken of the logarithm,
    so that none reaches below 0. Raises DomainError when nothing finished.
    """
    of = _by_seed(a) if isinstance(a, Mapping) else {0: _by_problem(a)}
    seeds = sorted(of)
    problems = sorted({name for key in seeds for name in of[key]})
    estimates: list[PairedEstimate] = []
    for name, value in [("score", score_value), *_amounts(_shown(of, of, seeds))]:
        table = _table(of, of, seeds, problems, value)
        nothing = np.zeros_like(table)
        found = hierarchical_bootstrap(table, nothing, effect="difference", metric=name, seed=seed)
        if name == "score":
            found = _of_scores(found)
        elif found.value > 0.0:
            found = _positive(found, table, seed=seed)
        estimates.append(found)
    return tuple(estimates)


def _of_scores(mean: PairedEstimate) -> PairedEstimate:
    """A mean of scores lies in [0, 1], whatever few seeds leave possible."""
    if mean.low is None or mean.high is None:
        return mean
    return replace(mean, low=max(mean.low, 0.0), high=min(mean.high, 1.0))


def _positive(mean: PairedEstimate, table: Array, *, seed: int) -> PairedEstimate:
    """The mean of what is never negative, its interval from that of its logarithm."""
    ones = np.where(np.isfinite(table), 1.0, np.nan)
    logarithm = hierarchical_bootstrap(table, ones, effect="log_ratio", seed=seed)
    if logarithm.low is None or logarithm.high is None:
        return mean
    return replace(
        mean,
        low=math.exp(logarithm.low),
        high=math.exp(logarithm.high),
        method=f"{mean.method}, of the logarithm",
    )


def _table(
    of: _Cells,
    other: _Cells,
    seeds: Sequence[int],
    problems: Sequence[str],
    value: Callable[[AnyResult], float],
) -> Array:
    """[S, P] means of `of`, NaN where either has none."""
    filled = np.full((len(seeds), len(problems)), np.nan)
    for row, key in enumerate(seeds):
        for column, problem in enumerate(problems):
            if problem in of[key] and problem in other[key]:
                filled[row, column] = mean([value(item) for item in of[key][problem]])
    return filled


def _amounts(shown: Sequence[AnyResult]) -> list[tuple[str, Callable[[AnyResult], float]]]:
    """What is summed up beside the score; makespans only where no call was replayed."""
    values: list[tuple[str, Callable[[AnyResult], float]]] = [
        ("cp_tokens", lambda item: item.cp_tokens),
        ("cost_usd", lambda item: item.cost_usd),
    ]
    if all(item.replayed_calls == 0 for item in shown):
        values.append(("makespan_seconds", lambda item: item.makespan_seconds))
    return values


def _aligned(
    a: BySeed | Sequence[AnyResult], b: BySeed | Sequence[AnyResult]
) -> tuple[_Cells, _Cells]:
    """Both by seed and problem; a policy without seeds repeated under each seed of the other."""
    if isinstance(a, Mapping):
        of_a = _by_seed(a)
        of_b = _by_seed(b) if isinstance(b, Mapping) else dict.fromkeys(of_a, _by_problem(b))
        return of_a, of_b
    if isinstance(b, Mapping):
        of_b = _by_seed(b)
        return dict.fromkeys(of_b, _by_problem(a)), of_b
    return {0: _by_problem(a)}, {0: _by_problem(b)}


def _by_seed(of: BySeed) -> _Cells:
    return {key: _by_problem(rollouts) for key, rollouts in of.items()}


def _by_problem(rollouts: Sequence[AnyResult]) -> dict[str, list[AnyResult]]:
    groups: dict[str, list[AnyResult]] = defaultdict(list)
    for item in finished_in_order(rollouts):
        groups[item.problem_id].append(item)
    return dict(groups)


def _shown(of_a: _Cells, of_b: _Cells, seeds: Sequence[int]) -> list[AnyResult]:
    return [
        item
        for key in seeds
        for problem in of_a[key].keys() & of_b[key].keys()
        for item in (*of_a[key][problem], *of_b[key][problem])
    ]
