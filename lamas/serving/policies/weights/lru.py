"""Least recently used weights leave, to the disk (baseline)."""

from collections.abc import Sequence

from lamas.serving.demand import Demand
from lamas.serving.node import Hosted, NodeState


class LeastRecentlyUsed:
    name = "lru"
    places = False
    uses_host = False

    def victim(
        self, node: NodeState, candidates: Sequence[Hosted], demand: Demand, now: float
    ) -> Hosted:
        return min(candidates, key=lambda item: (item.last_used_at, item.model))
