"""What every choice of the weights that stay has in common."""

from collections.abc import Sequence
from typing import Protocol

from lamas.serving.demand import Demand
from lamas.serving.node import Hosted, NodeState


class Weights(Protocol):
    """Which model leaves a node when another one needs the room."""

    name: str
    places: bool
    """True: every model has its nodes from the begin and none ever leaves."""
    uses_host: bool
    """Whether weights that leave the accelerator stay in the host's memory."""

    def victim(
        self, node: NodeState, candidates: Sequence[Hosted], demand: Demand, now: float
    ) -> Hosted:
        """One of the candidates (at least one)."""
        ...
