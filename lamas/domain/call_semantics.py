"""What a model call belongs to, as far as whoever schedules it may know before it runs."""

import math
from dataclasses import dataclass

from lamas.errors import DomainError


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedCall:
    """A call that a known graph still owes: who makes it, and which model is asked."""

    role: str
    model: str | None = None
    """None is the default model."""
    calls_in_a_row: int = 1
    """How many calls of this role follow each other there, ≥ 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallSemantics:
    """One call's place in its workflow. Raises DomainError for values that cannot be.

    Nothing here tells how long the answer will be: it is what can be observed when the call is
    made. `rest` is known for graphs that were drawn before they ran, None for foreign clients.
    """

    workflow: str
    """Id of one piece of work whose end somebody waits for: a rollout, a user's turn."""
    workflow_type: str = ""
    """What kind of work it is, as profiles are kept by; "" where nobody says."""
    session: str = ""
    """What prompts of several workflows may have in common, for instance a conversation."""
    tenant: str = ""
    role: str = ""
    """The operator or the agent's role."""
    layer: int = 0
    """Layer of the graph, from 0."""
    invocation_index: int = 0
    """How many calls of this role the workflow made before this one."""
    siblings: tuple[PlannedCall, ...] = ()
    """Other calls of the same layer: the layer ends with the last of them."""
    rest: tuple[tuple[PlannedCall, ...], ...] | None = None
    """Calls of the layers after this one, the next layer first; () is the last layer."""
    deadline_seconds: float | None = None
    """Seconds from the arrival of the workflow within which its answer is wanted; > 0."""

    def __post_init__(self) -> None:
        for name in ("layer", "invocation_index"):
            value: int = getattr(self, name)
            if value < 0:
                raise DomainError(f"workflow {self.workflow}: {name}={value} must be ≥ 0")
        if self.deadline_seconds is not None and not 0 < self.deadline_seconds < math.inf:
            raise DomainError(
                f"workflow {self.workflow}: deadline_seconds={self.deadline_seconds} must be a "
                "number > 0; leave it out where nobody waits"
            )

    @property
    def remaining_steps(self) -> int | None:
        """Layers still to be run, this one included; None where the graph is not known."""
        return None if self.rest is None else 1 + len(self.rest)
