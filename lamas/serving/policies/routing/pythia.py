"""Predictive capacity (Pythia, arXiv 2604.25899, as summaries give it).

A node is eligible only if the sum of the length bounds fits its memory for keys and values and the
sum of the probabilities of exceeding them stays under a threshold (union bound); then most
headroom; cache locality only breaks ties. No node is eligible: the call is held back. That waiting
calls count among these sums, and the threshold, are ours: it is unpublished.
"""

from collections.abc import Sequence

from lamas.serving.call import Call
from lamas.serving.node import NodeState

EXCEEDING = 8.0
"""Expected number of exceeded bounds up to which a node takes more [own]."""
TIE_SHARE = 0.02
"""Headrooms within this share of the memory are equal [own]."""


class PredictiveCapacity:
    name = "pythia"

    def __init__(self, exceeding: float = EXCEEDING) -> None:
        self._exceeding = exceeding

    def choose(
        self, call: Call, nodes: Sequence[NodeState], previous: NodeState | None, now: float
    ) -> NodeState | None:
        eligible: list[tuple[int, int, NodeState]] = []
        for node in nodes:
            headroom = self._headroom(call, node)
            if headroom is not None:
                cached = node.cache.cached_tokens(call.model, call.prompt)
                eligible.append((round(headroom / TIE_SHARE), cached, node))
        if not eligible:
            return None
        return max(eligible, key=lambda item: item[:2])[2]

    def _headroom(self, call: Call, node: NodeState) -> float | None:
        """Share of the memory that is left; None where the call may not go."""
        hosted = call.model in node.hosted
        weights = 0.0 if hosted else node.shapes[call.model].weight_bytes
        room = node.usable_bytes - max(node.weight_bytes, weights)
        left = room - node.upper_bytes - node.upper_bytes_of(call)
        if not node.calls():
            return left / node.usable_bytes
        crowded = node.exceeding + call.forecast.exceeding > self._exceeding
        return None if left < 0 or crowded else left / node.usable_bytes
