"""Latency-aware routing (Maestro, arXiv 2606.12950): avoid cold starts and memory overloads.

That it does so is the paper's; the cost is ours:
cost(node) = wait + t_load + prefill(L_in − cached) + L̂_out · seconds per token + penalty · P(KV
overflow), with hysteresis: the session's last node stays unless another is cheaper by 10 %.
"""

from collections.abc import Sequence

from lamas.serving.call import Call
from lamas.serving.node import NodeState

PENALTY_SECONDS = 20.0
"""What an overflow costs [own]."""
HYSTERESIS = 0.1


class LatencyAware:
    name = "maestro"

    def choose(
        self, call: Call, nodes: Sequence[NodeState], previous: NodeState | None, now: float
    ) -> NodeState | None:
        costs = [cost_seconds(call, node, now) for node in nodes]
        least = min(costs)
        if previous is not None and previous in nodes:
            stays = costs[nodes.index(previous)]
            if stays * (1 - HYSTERESIS) <= least:
                return previous
        return nodes[costs.index(least)]


def cost_seconds(call: Call, node: NodeState, now: float) -> float:
    """Expected seconds of the call at the node, overflow priced in."""
    shape = node.shapes[call.model]
    cached = node.cache.cached_tokens(call.model, call.prompt)
    prefill = shape.prefill_seconds + shape.prefill_seconds_per_token * (call.input_tokens - cached)
    batch = min(node.batch(call.model) + 1, shape.slots)
    per_token = shape.step_seconds + shape.step_seconds_per_call * batch
    return (
        node.load_seconds
        + node.seconds_to_host(call.model, now)
        + prefill
        + call.forecast.output_tokens * per_token
        + PENALTY_SECONDS * overflow_probability(call, node)
    )


def overflow_probability(call: Call, node: NodeState) -> float:
    """How likely the node's memory runs short: 0 while all bounds fit, rising to 1 at twice it."""
    wanted = node.upper_bytes + node.upper_bytes_of(call)
    room = max(node.kv_bytes, 1.0)
    return min(max(wanted / room - 1.0, 0.0), 1.0)
