"""Round robin: the calls in order of readiness go around the nodes (baseline)."""

from collections.abc import Sequence

from lamas.serving.call import Call
from lamas.serving.node import NodeState


class RoundRobin:
    name = "round_robin"

    def choose(
        self, call: Call, nodes: Sequence[NodeState], previous: NodeState | None, now: float
    ) -> NodeState | None:
        return nodes[call.number % len(nodes)]
