"""What the queries of `warehouse/reports/{run,shared}` return, as records; one class for one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl
from pydantic import TypeAdapter

from lamas.domain import EvaluationMetric
from lamas.errors import WarehouseError
from lamas.evaluation import PairedDifference
from lamas.report.candidates import CandidateEstimate
from lamas.report.deadlines import DeadlineKept
from lamas.report.rows import (
    ExampleBar,
    FrontierPoint,
    Key,
    LayerShare,
    OperatorTime,
    RunFacts,
    Spread,
)
from lamas.report.run.picks import GapClosed, Pick
from lamas.report.table_values import OperatorValue, OracleGap


@dataclass(frozen=True, kw_only=True, slots=True)
class Entrant:
    """One evaluated way of choosing graphs."""

    policy: str
    checkpoint_id: str | None
    step: int
    role: Literal["before", "after"] | None
    rollouts: int
    problems: int
    failed_rollouts: int

    @property
    def key(self) -> Key:
        return self.policy, self.checkpoint_id

    @property
    def name(self) -> str:
        """As the table that ended the run shows it."""
        return self.policy if self.checkpoint_id is None else f"{self.policy}, step {self.step}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Candidate against reference in one metric."""

    candidate: str
    reference: str
    decision: str
    margin: float
    holds: bool | None
    reason: str | None
    """Why it was decided so, as it was said then; None where a run of an earlier version did."""
    problems: int
    metric: str
    value: float
    low: float | None
    high: float | None

    def paired(self) -> PairedDifference:
        return PairedDifference(
            metric=self.metric,
            value=self.value,
            low=self.low,
            high=self.high,
            problems=self.problems,
            method="paired bootstrap over problems",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PathLength:
    """CP_len of one rollout."""

    policy: str
    checkpoint_id: str | None
    cp_tokens: float
    share_up_to: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LearningStep:
    """Means of one training batch; None where every rollout failed or no update was made."""

    step: int
    rollouts: int | None
    failed_rollouts: int | None
    score: float | None
    cp_tokens: float | None
    cost_usd: float | None
    entropy: float | None
    reward: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Spending:
    """What one operator cost for one purpose."""

    purpose: str
    operator: str
    attempts: int
    replayed_attempts: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    share_of_run: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """One reason for failed rollouts or calls."""

    what: Literal["rollout", "call"]
    place: str
    reason: str
    failures: int
    recovered: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ProxyRollouts:
    """CP_len against measured makespan, over all measured rollouts."""

    rollouts: int
    pearson: float | None
    spearman: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ProxyOperator:
    """CP tokens of one operator's invocations against their measured seconds."""

    operator: str
    invocations: int
    pearson: float | None
    spearman: float | None
    seconds_p50: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LatencyModelFigures:
    """One latency model fitted on the run; `proxy_…` are the figures of CP_len."""

    latency_model_id: str
    first_token_seconds: float
    seconds_per_output_token: float
    calls: int
    held_out_rollouts: int
    median_absolute_percentage_error: float | None
    pearson: float | None
    spearman: float | None
    proxy_median_absolute_percentage_error: float | None
    proxy_pearson: float | None
    proxy_spearman: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportData:
    """Everything a report shows; a field is the answer to the query of its name."""

    run: tuple[RunFacts, ...]
    entrants: tuple[Entrant, ...]
    headline: tuple[EvaluationMetric, ...]
    """Values recomputed, intervals as stored."""
    differences: tuple[Difference, ...]
    frontier: tuple[FrontierPoint, ...]
    cp_len: tuple[Spread, ...]
    path_lengths: tuple[PathLength, ...]
    operator_mix: tuple[LayerShare, ...]
    learning: tuple[LearningStep, ...]
    gantt: tuple[ExampleBar, ...]
    bottlenecks: tuple[OperatorTime, ...]
    spending: tuple[Spending, ...]
    failures: tuple[Failure, ...]
    picks: tuple[Pick, ...]
    gaps_closed: tuple[GapClosed, ...]
    operator_values: tuple[OperatorValue, ...]
    oracle_gaps: tuple[OracleGap, ...]
    proxy_rollouts: tuple[ProxyRollouts, ...]
    proxy_operators: tuple[ProxyOperator, ...]
    latency_models: tuple[LatencyModelFigures, ...]
    candidates: tuple[CandidateEstimate, ...]
    deadlines: tuple[DeadlineKept, ...]

    @property
    def names(self) -> dict[Key, str]:
        """What to call each entrant; checkpoints of the same step are told apart by their ids.

        One that is known by its figures alone, as the oracle, has no rollout and its own name.
        """
        given = [item.name for item in self.entrants]
        return {(item.policy, item.checkpoint_id): item.policy for item in self.headline} | {
            item.key: item.name
            if given.count(item.name) == 1
            else f"{item.name} ({(item.checkpoint_id or '')[-4:]})"
            for item in self.entrants
        }

    @property
    def learned(self) -> tuple[Entrant, ...]:
        """Controllers to show side by side: before and after training, or the evaluated ones."""
        of_run = tuple(item for item in self.entrants if item.role)
        return of_run or tuple(item for item in self.entrants if item.checkpoint_id)[:2]

    @property
    def subject(self) -> Entrant:
        """Whom the details are about: the trained controller, or the first entrant."""
        return self.learned[-1] if self.learned else self.entrants[0]


_DATA = TypeAdapter(ReportData)


def report_data(frames: Mapping[str, pl.DataFrame]) -> ReportData:
    """The records of the frames that `warehouse.reports.run_report` returns."""
    rows: dict[str, Sequence[object]] = {name: frame.to_dicts() for name, frame in frames.items()}
    return _DATA.validate_python(rows)


def require_rollouts(data: ReportData, run_id: str) -> None:
    """WarehouseError for a run without a finished rollout of an evaluation."""
    if not any(item.rollouts > item.failed_rollouts for item in data.entrants):
        rollouts = data.run[0].rollouts
        raise WarehouseError(
            f"run {run_id} has {rollouts} rollouts and no finished one of an evaluation: a report "
            "is of a run of `lamas retrain` or `lamas evaluate` that got so far"
        )
