"""A call as the scheduler sees it: what is observed when it becomes ready, and what is forecast."""

from dataclasses import dataclass

from lamas.domain.call_semantics import CallSemantics


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a prompt that others may have too; equal identities hold equal tokens."""

    identity: int
    """Stands for these tokens behind everything before them: another prefix, another identity."""
    tokens: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """What is expected of a call before it runs, from history alone."""

    output_tokens: float
    """Expected tokens of the answer."""
    upper_tokens: int
    """Conformal upper bound of the answer's tokens at the level the forecaster was fitted for."""
    exceeding: float
    """Probability that the answer is longer than `upper_tokens`."""
    call_seconds: float
    """Expected seconds of this call alone on an idle node."""
    machine_seconds: float
    """Its own part of a busy machine: its prefill and its share of shared decode steps."""
    remaining_seconds: float
    """T̂_rem by history: this call, and the median of what followed calls like it."""
    graph_seconds: float
    """T̂_rem by the graph still to be run; by history where no graph is known."""
    slack_seconds: float
    """How much longer this call may take before its layer ends later; 0 where unknown."""
    remaining_steps: float
    """Expected calls in a row to the end of the workflow, this one included; ≥ 1."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Call:
    """A call that is ready to run. Nothing here depends on the answer it will get."""

    number: int
    """Unique within a dispatcher, rising with the order of readiness."""
    semantics: CallSemantics
    model: str
    input_tokens: int
    max_tokens: int
    prompt: tuple[Segment, ...]
    """The prompt from its begin on; its tokens sum up to `input_tokens`."""
    ready_at: float
    """Seconds on the dispatcher's clock."""
    workflow_arrived_at: float
    attained_seconds: float = 0.0
    """Service that the workflow's earlier calls have had."""
    forecast: Forecast

    @property
    def deadline_at(self) -> float:
        """When the workflow is due; infinity where it has no deadline."""
        seconds = self.semantics.deadline_seconds
        return float("inf") if seconds is None else self.workflow_arrived_at + seconds
