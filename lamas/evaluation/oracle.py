"""The oracle over operators that ran alone, and how much of the gap to it a policy closed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lamas.domain import AnyResult, EvaluationMetric
from lamas.domain.table_fit import WaitClock
from lamas.evaluation.controls import gap_closed
from lamas.evaluation.metrics import EvaluationLabel

WAIT: Mapping[WaitClock, str] = {"tokens": "cp_tokens_mean", "seconds": "makespan_seconds_mean"}
"""The metric that waiting is read from."""


def best_answers(rollouts: Iterable[AnyResult]) -> tuple[AnyResult, ...]:
    """For each problem and sample the finished rollout of the highest score, at a tie of the
    shortest path, then of the first policy by name; in `Rollout.order`.
    """
    best: dict[tuple[str, int], tuple[float, float, str]] = {}
    chosen: dict[tuple[str, int], AnyResult] = {}
    for item in rollouts:
        if item.status != "ok" or item.score is None:
            continue
        _, problem, policy, sample, _, _ = item.order
        rank = (-item.score, item.cp_tokens, policy)
        if (problem, sample) not in best or rank < best[problem, sample]:
            best[problem, sample], chosen[problem, sample] = rank, item
    return tuple(sorted(chosen.values(), key=lambda item: item.order))


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """From the best fixed graph to the oracle, in S − μ·T."""

    multiplier: float
    clock: WaitClock
    fixed: float
    """Value of the best fixed graph."""
    oracle: float

    @classmethod
    def between(
        cls,
        fixed: Sequence[EvaluationMetric],
        oracle: Sequence[EvaluationMetric],
        *,
        multiplier: float,
        clock: WaitClock,
    ) -> "Gap | None":
        """None where waiting was not measured for both."""
        low = value_of(fixed, multiplier=multiplier, clock=clock)
        high = value_of(oracle, multiplier=multiplier, clock=clock)
        if low is None or high is None:
            return None
        return cls(multiplier=multiplier, clock=clock, fixed=low, oracle=high)

    @property
    def width(self) -> float:
        return self.oracle - self.fixed

    def closed(self, metrics: Sequence[EvaluationMetric]) -> float | None:
        """Which share of it a policy closed; None without a gap, or without its waiting."""
        value = value_of(metrics, multiplier=self.multiplier, clock=self.clock)
        return None if value is None else gap_closed(value, fixed=self.fixed, oracle=self.oracle)

    def metric(
        self, metrics: Sequence[EvaluationMetric], label: EvaluationLabel
    ) -> EvaluationMetric | None:
        """The row that says what a policy closed."""
        share = self.closed(metrics)
        if share is None:
            return None
        return replace(
            metrics[0],
            evaluation_id=label.evaluation_id,
            metric="gap_closed",
            value=share,
            low=None,
            high=None,
            method=f"(S − μT of the policy less the best fixed graph's) over the oracle's, "
            f"μ = {self.multiplier!r} a {self.clock.removesuffix('s')}",
        )


def value_of(
    metrics: Sequence[EvaluationMetric], *, multiplier: float, clock: WaitClock
) -> float | None:
    """S − μ·T of a policy; None where its waiting was not measured."""
    by_name = {item.metric: item.value for item in metrics}
    wait = by_name.get(WAIT[clock])
    return None if wait is None else by_name["score"] - multiplier * wait
