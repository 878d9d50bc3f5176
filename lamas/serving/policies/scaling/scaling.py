"""What every choice of the number of nodes has in common."""

from collections.abc import Sequence
from typing import Protocol

from lamas.serving.demand import Demand
from lamas.serving.node import NodeState


class Scaling(Protocol):
    """How many nodes should be open."""

    name: str

    def wanted(self, nodes: Sequence[NodeState], demand: Demand, total: int) -> int:
        """Between 1 and `total`; `nodes` are those that are open or starting, at least one."""
        ...
