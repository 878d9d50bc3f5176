"""Every node is open all the time (baseline)."""

from collections.abc import Sequence

from lamas.serving.demand import Demand
from lamas.serving.node import NodeState


class AllNodes:
    name = "all"

    def wanted(self, nodes: Sequence[NodeState], demand: Demand, total: int) -> int:
        return total
