"""Which weights a node holds: loading, draining, evicting. A model with calls in flight stays."""

from collections.abc import Sequence
from dataclasses import dataclass

from lamas.errors import DomainError
from lamas.serving.demand import Demand
from lamas.serving.node import Hosted, NodeState, Tier
from lamas.serving.policies.weights.weights import Weights

RESIDENCE_LOADS = 3.0
"""A model stays at least so many times as long as its load takes before calls of another drain it,
so that two models do not chase each other out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightLoad:
    """Weights on their way to a node."""

    model: str
    seconds: float
    tier: Tier


class Residence:
    """Moves weights by one policy."""

    def __init__(self, policy: Weights) -> None:
        self._policy = policy

    def place(self, nodes: Sequence[NodeState], models: Sequence[str], now: float) -> None:
        """Largest first on the node with most room; then again, while anything fits anywhere.

        Of the usable memory half is left for keys and values. A model that finds no room at all is
        loaded when it is wanted; DomainError where weights stay as they were placed.
        """
        shapes = {model: node.shapes[model] for node in nodes for model in models}
        order = sorted(models, key=lambda model: (-shapes[model].weight_bytes, model))
        for turn in range(len(nodes)):
            for model in order:
                size = shapes[model].weight_bytes
                room = [
                    (node.usable_bytes / (1 if turn == 0 else 2) - node.weight_bytes - size, node)
                    for node in nodes
                    if model not in node.hosted
                ]
                if not room:
                    continue
                left, node = max(room, key=lambda item: item[0])
                if left > 0:
                    self._host(node, model, now, loading=False)
                elif turn == 0 and self._policy.places:
                    raise DomainError(
                        f"the weights of {model} ({size / 1e9:.1f} GB) find no room on "
                        f"{len(nodes)} nodes: use more nodes, fewer models, or weights=lru"
                    )

    def make_hot(
        self, node: NodeState, model: str, demand: Demand, now: float
    ) -> WeightLoad | None:
        """Begin to load a model; None where others must end their calls first."""
        size = node.shapes[model].weight_bytes
        # Before there is room: what goes to the host for it may take this one's place there.
        tier = node.tier(model)
        if not self._make_room(node, model, size - node.free_bytes, demand, now):
            return None
        seconds = node.spec.seconds_to_load(size, tier)
        self._host(node, model, now + seconds, loading=True)
        return WeightLoad(model=model, seconds=seconds, tier=tier)

    def give_up_one(self, node: NodeState, model: str, demand: Demand, now: float) -> bool:
        """Evict weights beside `model` though calls may wait for them; False where there are none.

        For a node at which nothing runs that could ever make room.
        """
        idle = [item for item in _idle(node, model) if not self._policy.places]
        if idle:
            self._evict(node, self._policy.victim(node, idle, demand, now), now)
        return bool(idle)

    def _make_room(
        self, node: NodeState, model: str, needed_bytes: float, demand: Demand, now: float
    ) -> bool:
        """Free so many bytes for `model`; False where that has to wait.

        Idle prefixes go first, then weights that nobody uses; then one model is told to drain.
        Weights that calls wait for stay for a while.
        """
        if self._policy.places:
            return False
        left = needed_bytes - node.cache.evict(max(needed_bytes, 0.0))
        while left > 0:
            idle = [item for item in _idle(node, model) if self._may_go(node, item, now)]
            if not idle:
                others = [item for item in node.hosted.values() if item.model != model]
                self._drain_one(node, others, demand, now)
                return False
            victim = self._policy.victim(node, idle, demand, now)
            before = node.free_bytes
            self._evict(node, victim, now)
            left -= node.free_bytes - before
        return True

    def _drain_one(
        self, node: NodeState, others: Sequence[Hosted], demand: Demand, now: float
    ) -> None:
        if any(item.draining or item.loading for item in others):
            return
        settled = [item for item in others if self._has_settled(node, item, now)]
        if settled:
            self._policy.victim(node, settled, demand, now).draining = True

    def _may_go(self, node: NodeState, item: Hosted, now: float) -> bool:
        """Nobody waits for it here, or it has had its time."""
        return not node.queue.count(item.model) or self._has_settled(node, item, now)

    def _has_settled(self, node: NodeState, item: Hosted, now: float) -> bool:
        size = node.shapes[item.model].weight_bytes
        stays = RESIDENCE_LOADS * node.spec.seconds_to_load(size, "disk")
        return now >= item.hot_at + stays

    def _host(self, node: NodeState, model: str, hot_at: float, *, loading: bool) -> None:
        node.hosted[model] = Hosted(model, hot_at, last_used_at=hot_at, loading=loading)
        node.weight_bytes += node.shapes[model].weight_bytes
        node.demand.hosted(model, 1)
        node.host_tier.pop(model, None)

    def _evict(self, node: NodeState, item: Hosted, now: float) -> None:
        node.cache.drop(item.model)
        del node.hosted[item.model]
        node.weight_bytes -= node.shapes[item.model].weight_bytes
        node.demand.hosted(item.model, -1)
        if not self._policy.uses_host:
            return
        node.host_tier[item.model] = now
        while self._host_bytes(node) > node.spec.host_bytes:
            del node.host_tier[min(node.host_tier, key=lambda model: node.host_tier[model])]

    def _host_bytes(self, node: NodeState) -> float:
        return sum(node.shapes[model].weight_bytes for model in node.host_tier)


def _idle(node: NodeState, model: str) -> list[Hosted]:
    """Weights beside `model` that no call uses."""
    return [
        item
        for item in node.hosted.values()
        if item.model != model and not item.running and not item.loading
    ]
