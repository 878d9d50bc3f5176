"""How two policies differ on the same problems, with intervals over the problems."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamas.domain import AnyResult
from lamas.errors import DomainError
from lamas.evaluation.intervals import cluster_bootstrap
from lamas.evaluation.metrics import finished_in_order, mean, score_value


@dataclass(frozen=True, kw_only=True, slots=True)
class PairedDifference:
    """One comparison of policy A with policy B."""

    metric: str
    """`score_difference` (A − B), `cp_tokens_log_ratio`, `cost_usd_log_ratio`, `makespan_…`
    (natural logarithm of A's mean over B's: −0.69 is half)."""
    value: float
    low: float | None
    """Lower end of the 95 % interval."""
    high: float | None
    problems: int
    """Problems that both finished."""
    method: str


def compare(
    a: Sequence[AnyResult], b: Sequence[AnyResult], *, seed: int = 0
) -> tuple[PairedDifference, ...]:
    """Differences of A from B over the problems that both finished.

    Several rollouts of a problem are averaged first, so every problem counts once. The bootstrap
    draws problems and keeps each problem's pair together. A log-ratio is left out where a mean is
    0 (a free model), that of makespans where calls were replayed. Raises DomainError when no
    problem was finished by both.
    """
    of_a, of_b = _by_problem(a), _by_problem(b)
    problems = sorted(of_a.keys() & of_b.keys())
    if not problems:
        raise DomainError("the two policies finished no problem in common")

    def column(of: dict[str, list[AnyResult]], value: Callable[[AnyResult], float]) -> list[float]:
        return [mean([value(item) for item in of[problem]]) for problem in problems]

    scores = _difference(problems, column(of_a, score_value), column(of_b, score_value), seed=seed)
    comparisons: list[PairedDifference | None] = [scores]
    values: list[tuple[str, Callable[[AnyResult], float]]] = [
        ("cp_tokens", lambda item: item.cp_tokens),
        ("cost_usd", lambda item: item.cost_usd),
    ]
    shown = [item for problem in problems for item in (*of_a[problem], *of_b[problem])]
    if all(item.replayed_calls == 0 for item in shown):
        values.append(("makespan_seconds", lambda item: item.makespan_seconds))
    comparisons += [
        _log_ratio(name, problems, column(of_a, value), column(of_b, value), seed=seed)
        for name, value in values
    ]
    return tuple(item for item in comparisons if item is not None)


def _by_problem(rollouts: Sequence[AnyResult]) -> dict[str, list[AnyResult]]:
    groups: dict[str, list[AnyResult]] = defaultdict(list)
    for item in finished_in_order(rollouts):
        groups[item.problem_id].append(item)
    return groups


def _difference(
    problems: Sequence[str], a: Sequence[float], b: Sequence[float], *, seed: int
) -> PairedDifference:
    gaps = [left - right for left, right in zip(a, b, strict=True)]
    column = np.asarray(gaps)
    return _paired(
        "score_difference",
        mean(gaps),
        problems,
        lambda weights: (weights @ column) / weights.sum(axis=1),
        seed,
    )


def _log_ratio(
    name: str, problems: Sequence[str], a: Sequence[float], b: Sequence[float], *, seed: int
) -> PairedDifference | None:
    if mean(a) <= 0.0 or mean(b) <= 0.0:
        return None
    left, right = np.asarray(a), np.asarray(b)

    def statistic(weights: NDArray[np.int64]) -> NDArray[np.float64]:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log((weights @ left) / (weights @ right))

    value = float(np.log(mean(a) / mean(b)))
    return _paired(f"{name}_log_ratio", value, problems, statistic, seed)


def _paired(
    metric: str,
    value: float,
    problems: Sequence[str],
    statistic: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    seed: int,
) -> PairedDifference:
    interval = cluster_bootstrap(problems, statistic, seed=seed)
    return PairedDifference(
        metric=metric,
        value=value,
        low=None if interval is None else interval.low,
        high=None if interval is None else interval.high,
        problems=len(problems),
        method="no interval" if interval is None else f"paired {interval.method}",
    )
