"""The seam for policies that look at what a layer came to before they choose the next."""

from dataclasses import dataclass
from typing import Protocol

from lamas.domain import Layer, Observation, PlannedRollout, PolicyDecision


@dataclass(frozen=True, kw_only=True, slots=True)
class Continuation:
    """What a policy does after a layer."""

    layer: Layer | None
    """The next layer; None ends the graph."""
    decisions: tuple[PolicyDecision, ...] = ()
    """Those that made the layer, in draw order."""
    log_probability: float = 0.0
    """Of ending the graph, or of going on at all; 0 where it is certain."""


class ObservingPolicy(Protocol):
    """Chooses layer by layer. The first one stands in the plan: there is nothing to see yet."""

    def after(self, plan: PlannedRollout, seen: Observation) -> Continuation:
        """What to do when a layer has ended; the same for equal arguments.

        `plan` holds the layers so far and their decisions.
        """
        ...
