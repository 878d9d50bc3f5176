"""What a simulated cluster leaves behind: cells, calls, workflows, looks at nodes, cold starts."""

from collections.abc import Sequence
from dataclasses import dataclass


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
    key: float
    """What its order was decided by; lower first."""
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
    seen_at: float
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
    began_at: float
    seconds: float
    tier: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LengthProfile:
    """Held-out errors of predicted lengths of one (operator, model), in tokens.

    Beside each stands the empirical quantile's of the same pair. Two empty names are all calls.
    """

    run_id: str
    role: str
    model: str
    level: float
    """What the bound should cover."""
    training_calls: int
    calls: int
    median_loss: float
    baseline_median_loss: float
    upper_loss: float
    baseline_upper_loss: float
    coverage: float
    baseline_coverage: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedCell:
    """One set of policies under one load with one seed."""

    run_id: str
    policies: str
    """Name of the set."""
    priority: str
    reservation: str
    routing: str
    weights: str
    retention: str
    scaling: str
    workload: str
    load: float
    """Share of the nominal capacity that arrives; a trace's own pace where it is replayed."""
    seed: int
    nodes: int
    ended_at: float
    """Seconds from the begin to the end of the last workflow."""
    open_node_seconds: float
    """Σ over nodes of the seconds in which they were open."""

    @property
    def cell_id(self) -> str:
        return f"{self.run_id}/{self.policies}/{self.load:g}/{self.seed}"


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedRecords:
    """What a cell left behind."""

    workflows: Sequence[ServedWorkflow]
    calls: Sequence[ServedCall]
    samples: Sequence[NodeSample] = ()
    cold_starts: Sequence[ColdStart] = ()
