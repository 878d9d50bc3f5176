"""One node more where calls queue, one less where few run (baseline); thresholds are ours."""

from collections.abc import Sequence

from lamas.serving.demand import Demand
from lamas.serving.node import NodeState

QUEUED_CALLS = 4.0
"""Waiting calls a node from which one more is wanted."""
FEW_SECONDS = 5.0
"""Machine seconds a node below which one less is wanted."""


class Reactive:
    name = "reactive"

    def wanted(self, nodes: Sequence[NodeState], demand: Demand, total: int) -> int:
        count = len(nodes)
        waiting = sum(demand.waiting.values())
        if waiting > QUEUED_CALLS * count:
            return min(count + 1, total)
        load = sum(node.load_seconds for node in nodes)
        if count > 1 and load < FEW_SECONDS * (count - 1):
            return count - 1
        return count
