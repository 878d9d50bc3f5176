"""To the longest cached prefix if more of the prompt is cached than not (Preble, arXiv 2407.00023).

Otherwise, or where that node has twice the calls of the least loaded one and 8 more [own], least
loaded.
"""

from collections.abc import Sequence

from lamas.serving.call import Call
from lamas.serving.node import NodeState
from lamas.serving.policies.routing.least_loaded import LeastLoaded

IMBALANCE = 2.0
SPARE_CALLS = 8


class PrefixAffine:
    name = "prefix_affine"

    def choose(
        self, call: Call, nodes: Sequence[NodeState], previous: NodeState | None, now: float
    ) -> NodeState | None:
        least = LeastLoaded().choose(call, nodes, previous, now)
        cached = [node.cache.cached_tokens(call.model, call.prompt) for node in nodes]
        most = max(cached)
        best = nodes[cached.index(most)]
        if least is None or most <= call.input_tokens - most:
            return least
        crowded = best.calls() > IMBALANCE * least.calls() + SPARE_CALLS
        return least if crowded else best
