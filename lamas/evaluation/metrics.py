"""What a set of rollouts amounts to: score, cost, critical path and makespan, with intervals."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamas.domain import AnyResult, EvaluationMetric, ordered_sum
from lamas.errors import DomainError
from lamas.evaluation.intervals import Interval, cluster_bootstrap, proportion
from lamas.evaluation.quantile import quantile, weighted_quantiles

_QUANTILES = (("p50", 0.5), ("p90", 0.9))


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationLabel:
    """Which evaluation the metrics belong to."""

    evaluation_id: str
    run_id: str
    checkpoint_id: str | None
    policy: str
    split: str


def summarise(
    rollouts: Sequence[AnyResult], label: EvaluationLabel, *, seed: int = 0
) -> tuple[EvaluationMetric, ...]:
    """The metrics of one evaluation with 95 % intervals.

    `score`, `cost_usd`, `cp_tokens_mean|p50|p90`, `virtual_seconds_mean` over the finished
    rollouts; `makespan_seconds_mean|p50|p90` over those of them without replayed calls, whose
    makespan alone was measured, and left out when there is none. Means are left-to-right sums in
    `Rollout.order` over n, which SQL repeats exactly; quantiles interpolate linearly. `seed` fixes
    the bootstrap. Raises DomainError when no rollout finished, or one comes twice.
    """
    finished = finished_in_order(rollouts)
    failed = len(rollouts) - len(finished)
    measured = tuple(item for item in finished if item.replayed_calls == 0)
    of_all = _Sample.of(finished, failed, seed)
    metrics = [
        _score(finished, of_all, label),
        of_all.mean("cost_usd", [item.cost_usd for item in finished], label),
        *of_all.spread("cp_tokens", [item.cp_tokens for item in finished], label),
        of_all.mean("virtual_seconds_mean", [item.virtual_seconds for item in finished], label),
    ]
    if measured:
        makespans = [item.makespan_seconds for item in measured]
        of_measured = _Sample.of(measured, failed, seed)
        metrics += of_measured.spread("makespan_seconds", makespans, label)
    return tuple(metrics)


def finished_in_order(rollouts: Sequence[AnyResult]) -> tuple[AnyResult, ...]:
    """The rollouts that did not fail, in `Rollout.order`; DomainError for none or for one twice."""
    ids = Counter(item.rollout_id for item in rollouts)
    twice = [rollout_id for rollout_id, count in ids.items() if count > 1]
    if twice:
        raise DomainError(f"rollout {twice[0]} is twice among those to evaluate")
    finished = sorted(
        (item for item in rollouts if item.status == "ok"), key=lambda item: item.order
    )
    if not finished:
        raise DomainError(
            f"nothing to evaluate: none of {len(rollouts)} rollouts finished; "
            "see the rollouts' errors for why"
        )
    return tuple(finished)


def mean(values: Sequence[float]) -> float:
    """Left-to-right sum over n."""
    return ordered_sum(values) / len(values)


def score_value(rollout: AnyResult) -> float:
    """S of a finished rollout."""
    if rollout.score is None:
        raise DomainError(f"rollout {rollout.rollout_id} finished without a score")
    return rollout.score


def resampled_mean(
    values: Sequence[float],
) -> Callable[[NDArray[np.int64]], NDArray[np.float64]]:
    """The statistic "mean" for `cluster_bootstrap`."""
    column = np.asarray(values, dtype=np.float64)
    return lambda weights: (weights @ column) / weights.sum(axis=1)


@dataclass(frozen=True, slots=True)
class _Sample:
    problems: tuple[str, ...]
    failed: int
    seed: int

    @classmethod
    def of(cls, rollouts: Sequence[AnyResult], failed: int, seed: int) -> "_Sample":
        return cls(tuple(item.problem_id for item in rollouts), failed, seed)

    def mean(
        self, metric: str, values: Sequence[float], label: EvaluationLabel
    ) -> EvaluationMetric:
        interval = cluster_bootstrap(self.problems, resampled_mean(values), seed=self.seed)
        return self.metric(metric, mean(values), interval, "mean", label)

    def spread(
        self, name: str, values: Sequence[float], label: EvaluationLabel
    ) -> list[EvaluationMetric]:
        """Mean, p50 and p90."""
        order = np.argsort(values, kind="stable")
        column = np.asarray(values, dtype=np.float64)[order]
        metrics = [self.mean(f"{name}_mean", values, label)]
        for suffix, q in _QUANTILES:
            interval = cluster_bootstrap(
                self.problems,
                # Bound now: the loop moves on before anything else would read q.
                lambda weights, q=q: weighted_quantiles(column, weights[:, order], q),
                seed=self.seed,
            )
            metrics.append(
                self.metric(
                    f"{name}_{suffix}", quantile(values, q), interval, f"quantile {q}", label
                )
            )
        return metrics

    def metric(
        self,
        name: str,
        value: float,
        interval: Interval | None,
        how: str,
        label: EvaluationLabel,
    ) -> EvaluationMetric:
        return EvaluationMetric(
            evaluation_id=label.evaluation_id,
            run_id=label.run_id,
            checkpoint_id=label.checkpoint_id,
            policy=label.policy,
            split=label.split,
            metric=name,
            value=value,
            low=None if interval is None else interval.low,
            high=None if interval is None else interval.high,
            n=len(self.problems),
            failed=self.failed,
            method=f"{how}; {'no interval' if interval is None else interval.method}",
        )


def _score(
    finished: Sequence[AnyResult], sample: _Sample, label: EvaluationLabel
) -> EvaluationMetric:
    scores = [score_value(item) for item in finished]
    one_each = len(set(sample.problems)) == len(sample.problems)
    if one_each and all(math.isclose(score, round(score)) for score in scores):
        interval = proportion(round(ordered_sum(scores)), len(scores))
        return sample.metric("score", mean(scores), interval, "mean", label)
    return sample.mean("score", scores, label)
