"""Rows that the reports of a run and of a comparison draw alike."""

import json
from dataclasses import dataclass
from typing import Literal

from lamas.report.assumed import assumptions

Key = tuple[str, str | None]
"""An entrant: a policy of the run and its checkpoint, or a variant of the comparison and None."""
Kind = Literal["trained", "untrained", "fixed"]
Moment = Literal["before", "after"]
Expense = Literal["cp_tokens", "cost_usd"]


@dataclass(frozen=True, kw_only=True, slots=True)
class OfEntrant:
    """A row about one entrant of a report."""

    entrant: str
    checkpoint_id: str | None

    @property
    def key(self) -> Key:
        return self.entrant, self.checkpoint_id


@dataclass(frozen=True, kw_only=True, slots=True)
class ExampleBar(OfEntrant):
    """One invocation of an example rollout, in virtual time."""

    training_seed: int | None
    """Of a variant."""
    example: Literal["typical", "worst"]
    rollout_id: str
    problem_id: str
    score: float
    rollout_cp_tokens: float
    layer: int
    position: int
    operator: str
    kind: Literal["graph", "post"]
    start_tokens: float
    cp_tokens: float
    output_tokens: int
    tool_seconds: float
    is_critical: bool
    slack_tokens: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerShare(OfEntrant):
    """How often one operator is chosen in one layer."""

    moment: Moment
    """Before anything was learned, or as evaluated."""
    layer: int
    operator: str
    chosen: int
    rollouts: int
    share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorTime(OfEntrant):
    """One operator in one layer."""

    layer: int
    operator: str
    invocations: int
    critical_share: float
    cp_tokens_p50: float
    cp_tokens_p90: float
    critical_path_share: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FrontierPoint(OfEntrant):
    """Means of one entrant with the ends of their 95 % intervals."""

    learned: bool
    fixed: bool
    score: float
    score_low: float | None
    score_high: float | None
    cp_tokens: float
    cp_tokens_low: float | None
    cp_tokens_high: float | None
    cost_usd: float
    cost_usd_low: float | None
    cost_usd_high: float | None
    dominated: bool
    best_for_its_time: bool
    best_for_its_cost: bool

    @property
    def kind(self) -> Kind:
        return "fixed" if self.fixed else "trained" if self.learned else "untrained"


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread(OfEntrant):
    """How CP_len of one entrant's rollouts is spread, in tokens."""

    rollouts: int
    mean: float
    p05: float
    p25: float
    p50: float
    p75: float
    p90: float
    p95: float
    p99: float
    longest: float


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFacts:
    """The run and what it amounts to."""

    run_id: str
    kind: str
    status: str
    simulated: bool
    seed: int
    benchmark: str | None
    benchmark_version: str | None
    problems: int
    rollouts: int
    failed_rollouts: int
    updates: int
    attempts: int
    failed_attempts: int
    replayed_attempts: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    seconds: float | None
    code_version: str
    config_digest: str
    prompts_digest: str
    started_at: float
    error: str | None
    config_json: str
    assumed_seconds: int
    """Answers whose seconds follow from a declared speed."""
    estimated_tokens: int
    """Answers whose tokens nobody counted."""

    @property
    def assumptions(self) -> str:
        """One sentence where figures rest on assumptions, else nothing."""
        return assumptions(self.attempts, self.assumed_seconds, self.estimated_tokens)

    @property
    def makespan_is_of_the_model(self) -> bool:
        """False when a simulated model answered without waiting: the machine's own time is left."""
        config: dict[str, dict[str, dict[str, object]]] = json.loads(self.config_json)
        scale = config.get("llm", {}).get("simulated", {}).get("time_scale")
        return not self.simulated or bool(scale)
