"""What a simulation leaves behind: one record a call, a workflow and a look at a node's memory."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedCall:
    """One call that ended. Times are seconds from the begin of the simulation."""

    call: int
    workflow: int
    role: str
    model: str
    layer: int
    tenant: str
    node: str
    ready_at: float
    started_at: float
    """When it first got memory."""
    first_token_at: float
    ended_at: float
    input_tokens: int
    cached_tokens: int
    """Of the prompt, at its first start."""
    output_tokens: int
    max_tokens: int
    upper_tokens: int
    """The predicted bound of its answer."""
    first_reserved_tokens: int
    preemptions: int
    """How often it lost its memory because an answer outgrew its reservation: an overflow."""
    growths: int
    reserved_byte_seconds: float
    """Reserved keys and values (what no cache held of the prompt, and the answer's) over time."""
    used_byte_seconds: float
    """The same of tokens that were there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedWorkflow:
    """One workflow that ended."""

    workflow: int
    workflow_type: str
    tenant: str
    arrived_at: float
    ended_at: float
    calls: int
    idle_seconds: float
    """What it takes on an idle cluster that has cached nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeSample:
    """A node's memory at one time, in bytes."""

    node: str
    at: float
    open: bool
    weight_bytes: float
    reserved_bytes: float
    pinned_bytes: float
    """Prompts in use."""
    cached_bytes: float
    """Prompts that nobody uses."""
    running: int
    waiting: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ColdStart:
    """Weights that were loaded because somebody waited for them."""

    node: str
    model: str
    at: float
    seconds: float
    tier: str


class Sink(Protocol):
    """Where records go, in the order of their ends."""

    def call(self, record: ServedCall) -> None: ...

    def workflow(self, record: ServedWorkflow) -> None: ...

    def sample(self, record: NodeSample) -> None: ...

    def cold_start(self, record: ColdStart) -> None: ...
