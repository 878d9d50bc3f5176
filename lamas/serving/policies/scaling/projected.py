"""Scale before the surge (Pythia, arXiv 2604.25899): by what workflows in flight still owe.

That every workflow in flight is projected ahead is the paper's (as summaries give it); the number
of calls that a node is wanted for, and shrinking by one node at a time, are ours.
"""

import math
from collections.abc import Sequence

from lamas.serving.demand import Demand
from lamas.serving.node import NodeState

CALLS = 12.0
"""Calls in flight or owed that one node is wanted for: of 6, 12, 24 and 48 the smallest that took
fewer node hours than `reactive` at a load of 0.2, on seeds that no table is made of."""


class Projected:
    name = "projected"

    def __init__(self, calls: float = CALLS) -> None:
        self._calls = calls

    def wanted(self, nodes: Sequence[NodeState], demand: Demand, total: int) -> int:
        now = sum(demand.waiting.values()) + sum(len(node.running) for node in nodes)
        owed = now + sum(demand.planned.values())
        return min(max(math.ceil(owed / self._calls), len(nodes) - 1, 1), total)
