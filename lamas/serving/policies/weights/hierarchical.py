"""Weights in tiers (Maestro, arXiv 2606.12950): accelerator, host, disk.

The tiers are the paper's, the victim is ours: least P(next use within the horizon) · t_load /
bytes, P from the calls that wait, that graphs in flight still owe, and that came of late.
"""

import math
from collections.abc import Sequence

from lamas.serving.demand import Demand
from lamas.serving.node import Hosted, NodeState

HORIZON_SECONDS = 30.0


class Hierarchical:
    name = "hierarchical"
    places = False
    uses_host = True

    def __init__(self, horizon_seconds: float = HORIZON_SECONDS) -> None:
        self._horizon_seconds = horizon_seconds

    def victim(
        self, node: NodeState, candidates: Sequence[Hosted], demand: Demand, now: float
    ) -> Hosted:
        return min(candidates, key=lambda item: (self._benefit(node, item, demand), item.model))

    def _benefit(self, node: NodeState, item: Hosted, demand: Demand) -> float:
        model = item.model
        weight_bytes = node.shapes[model].weight_bytes
        expected = (
            node.queue.count(model)
            + demand.planned.get(model, 0)
            + demand.rate.get(model, 0.0) * self._horizon_seconds
        )
        used_again = 1.0 - math.exp(-expected)
        # It would come back from the host, where it goes.
        return used_again * node.spec.seconds_to_load(weight_bytes, "host") / weight_bytes
