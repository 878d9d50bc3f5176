"""Every node is open all the time (baseline)."""

from collections.abc import Sequence

from lamas.serving.node import Demand, NodeState


class AllNodes:
    name = "all"

    def wanted(self, nodes: Sequence[NodeState], demand: Demand, total: int) -> int:
        return total
