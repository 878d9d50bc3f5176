"""Weights stay where they were placed at the begin; none is loaded later (baseline)."""

from collections.abc import Sequence

from lamas.serving.demand import Demand
from lamas.serving.node import Hosted, NodeState


class AlwaysLoaded:
    name = "always"
    places = True
    uses_host = False

    def victim(
        self, node: NodeState, candidates: Sequence[Hosted], demand: Demand, now: float
    ) -> Hosted:
        raise AssertionError("weights that always stay have no victim")
