"""Compares policies that were trained with several seeds and evaluated on the same problems."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from lamas.domain import Rollout
from lamas.errors import DomainError
from lamas.evaluation.hierarchical import Array, PairedEstimate, hierarchical_bootstrap
from lamas.evaluation.metrics import finished_in_order, mean, score_value

BySeed = Mapping[int, Sequence[Rollout]]
_Cells = dict[int, dict[str, list[Rollout]]]


def compare_over_seeds(
    a: BySeed | Sequence[Rollout], b: BySeed | Sequence[Rollout], *, seed: int = 0
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

    def table(of: _Cells, value: Callable[[Rollout], float]) -> Array:
        filled = np.full((len(seeds), len(problems)), np.nan)
        for row, key in enumerate(seeds):
            for column, problem in enumerate(problems):
                if problem in of_a[key] and problem in of_b[key]:
                    filled[row, column] = mean([value(item) for item in of[key][problem]])
        return filled

    estimates = [
        hierarchical_bootstrap(
            table(of_a, score_value),
            table(of_b, score_value),
            effect="difference",
            metric="score_difference",
            seed=seed,
        )
    ]
    values: list[tuple[str, Callable[[Rollout], float]]] = [
        ("cp_tokens", lambda item: item.cp_tokens),
        ("cost_usd", lambda item: item.cost_usd),
    ]
    if all(item.replayed_calls == 0 for item in _shown(of_a, of_b, seeds)):
        values.append(("makespan_seconds", lambda item: item.makespan_seconds))
    for name, value in values:
        left, right = table(of_a, value), table(of_b, value)
        if np.nansum(left) > 0.0 and np.nansum(right) > 0.0:
            metric = f"{name}_log_ratio"
            estimates.append(
                hierarchical_bootstrap(left, right, effect="log_ratio", metric=metric, seed=seed)
            )
    return tuple(estimates)


def _aligned(a: BySeed | Sequence[Rollout], b: BySeed | Sequence[Rollout]) -> tuple[_Cells, _Cells]:
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


def _by_problem(rollouts: Sequence[Rollout]) -> dict[str, list[Rollout]]:
    groups: dict[str, list[Rollout]] = defaultdict(list)
    for item in finished_in_order(rollouts):
        groups[item.plan.problem_id].append(item)
    return dict(groups)


def _shown(of_a: _Cells, of_b: _Cells, seeds: Sequence[int]) -> list[Rollout]:
    return [
        item
        for key in seeds
        for problem in of_a[key].keys() & of_b[key].keys()
        for item in (*of_a[key][problem], *of_b[key][problem])
    ]
