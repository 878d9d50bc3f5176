"""Fewest calls waiting and running; the first such node in ties (baseline)."""

from collections.abc import Sequence

from lamas.serving.call import Call
from lamas.serving.node import NodeState


class LeastLoaded:
    name = "least_loaded"

    def choose(
        self, call: Call, nodes: Sequence[NodeState], previous: NodeState | None, now: float
    ) -> NodeState | None:
        return min(nodes, key=NodeState.calls)
