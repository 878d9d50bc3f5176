"""Where a call takes least time from all workflows, its own and others', ours.

Models of one node take steps in turn, so a call brings every other call of the node its share of a
step, and the first call of a model brings them that model's whole step. The cost of a node is what
the call takes there, with its wait for a slot and for weights, plus what it takes from the calls
that run there, and from those that graphs in flight will bring there. A call that its graph lets
wait asks for less of its own, so that it leaves the quick node to calls on a critical path. A call
goes back to its cached prompt as far as that saves more than it costs. All of it is our design.
"""

from collections.abc import Sequence

from lamas.serving.call import Call
from lamas.serving.node import NodeState
from lamas.serving.policies.routing.maestro import PENALTY_SECONDS, overflow_probability

HARM = 0.5
"""Of a call's time, what another call of the node shares with it on average: one of two calls that
meet at random ends first."""
PLANNED = 0.5
"""Weight of a call that known graphs will bring to the node, beside one that runs there."""


class LeastHarm:
    name = "turns"

    def choose(
        self, call: Call, nodes: Sequence[NodeState], previous: NodeState | None, now: float
    ) -> NodeState | None:
        return min(nodes, key=lambda node: harm_seconds(call, node, now))


def harm_seconds(call: Call, node: NodeState, now: float) -> float:
    """Seconds that all workflows together lose by the call at the node."""
    shape = node.shapes[call.model]
    tokens = call.forecast.output_tokens
    rounds = round_seconds(node)
    batch = node.batch(call.model)
    added = shape.step_seconds_per_call + (0.0 if batch else shape.step_seconds)
    cached = node.cache.cached_tokens(call.model, call.prompt)
    prefill = shape.prefill_seconds + shape.prefill_seconds_per_token * (call.input_tokens - cached)
    wait = node.seconds_to_host(call.model, now)
    ahead = node.queue.count(call.model) + batch + 1 - shape.slots
    if ahead > 0:
        # Slots are freed one after another, a batch of them within a call's time.
        wait += ahead / shape.slots * tokens * rounds
    own = wait + prefill + tokens * (rounds + added) - call.forecast.slack_seconds
    coming = PLANNED * node.demand.planned_at(node.hosted)
    taken = (HARM * tokens * added + prefill) * (len(node.running) + coming)
    return max(own, 0.0) + taken + PENALTY_SECONDS * overflow_probability(call, node)


def round_seconds(node: NodeState) -> float:
    """Seconds in which every running call of the node gains a token."""
    return sum(
        node.shapes[hosted.model].step_seconds
        + node.shapes[hosted.model].step_seconds_per_call * hosted.running
        for hosted in node.hosted.values()
        if hosted.running
    )
