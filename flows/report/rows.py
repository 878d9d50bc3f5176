"""Rows that the reports of a run and of a comparison draw alike."""

from dataclasses import dataclass
from typing import Literal


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
