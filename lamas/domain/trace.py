"""What running a graph leaves: one record for each operator invocation."""

from dataclasses import dataclass
from typing import Literal

from lamas.domain.calls import ModelCall, ToolExecution

InvocationKind = Literal["graph", "post"]
ExecutionMode = Literal["parallel", "sequential"]


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorInvocation:
    """One run of one operator in one rollout."""

    invocation_id: str
    layer: int
    """From 1; post-processing continues the count."""
    position: int
    """Place within the layer in catalogue order, from 0."""
    operator: str
    kind: InvocationKind
    started_at: float
    """Seconds since the epoch."""
    ended_at: float
    output_tokens: int
    """N_out: output tokens along the invocation's own longest chain."""
    tool_seconds: float
    """t_tool: charged tool seconds on that chain."""
    cp_tokens: float
    """N_out + γ·t_tool."""
    total_input_tokens: int
    total_output_tokens: int
    """Over every attempt, on the longest chain or not."""
    cost_usd: float
    status: Literal["ok", "failed", "cancelled"]
    """`cancelled`: its layer ended at a quorum before any chain of it; it is on no critical path,
    and `cp_tokens`, like those of cancelled branches, is 0."""
    error: str | None = None
    """Why it failed or was cancelled."""
    candidates: tuple[str, ...] = ()
    """Solutions it produced, in order."""
    calls: tuple[ModelCall, ...] = ()
    tools: tuple[ToolExecution, ...] = ()

    @property
    def seconds(self) -> float:
        return self.ended_at - self.started_at


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """All invocations of one rollout, ordered by layer and catalogue position."""

    execution_mode: ExecutionMode
    gamma: float
    """γ in tokens per tool second."""
    invocations: tuple[OperatorInvocation, ...]
    started_at: float
    ended_at: float

    @property
    def layers(self) -> tuple[tuple[OperatorInvocation, ...], ...]:
        numbers = sorted({invocation.layer for invocation in self.invocations})
        return tuple(
            tuple(item for item in self.invocations if item.layer == number) for number in numbers
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class CriticalPathLabel:
    """Where one invocation stands on the critical path of its rollout."""

    invocation_id: str
    layer: int
    operator: str
    is_critical: bool
    slack_tokens: float
    """How much its cp_tokens could grow before it changed its layer's maximum."""
    layer_max_tokens: float
    layer_second_tokens: float
    """Largest cp_tokens of the layer without this invocation; 0 when it stands alone."""
