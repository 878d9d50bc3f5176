"""Rows that the reports of a run and of a comparison draw alike."""

import json
from dataclasses import dataclass
from typing import Literal

from lamas.report.assumed import assumptions


@dataclass(frozen=True, kw_only=True, slots=True)
class ExampleBar:
    """One invocation of an example rollout, in virtual time."""

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
class LayerShare:
    """How often one operator is chosen in one layer."""

    layer: int
    operator: str
    chosen: int
    rollouts: int
    share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorTime:
    """One operator in one layer."""

    layer: int
    operator: str
    invocations: int
    critical_share: float
    cp_tokens_p50: float
    cp_tokens_p90: float
    critical_path_share: float | None


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
