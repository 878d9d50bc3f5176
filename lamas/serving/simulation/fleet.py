"""How many nodes are open in simulated time: asked of the policy, started, drained, closed."""

from collections.abc import Callable, Sequence

import simpy

from lamas.serving.dispatcher import Dispatcher
from lamas.serving.node import NodeState

TICK_SECONDS = 5.0


class Fleet:
    """Opens and closes nodes; a closing node ends what it runs and gives away what waits there."""

    def __init__(
        self,
        environment: simpy.Environment,
        dispatcher: Dispatcher,
        *,
        moved: Callable[[NodeState], None],
    ) -> None:
        """`moved` looks at a node that got calls."""
        self._environment = environment
        self._dispatcher = dispatcher
        self._moved = moved
        self._starting: set[str] = set()
        self.open_seconds = 0.0
        """Σ over nodes of seconds in which they were open, starting or ending their calls."""
        self._since = 0.0

    def tick(self) -> None:
        """Ask the policy, and act on its answer."""
        self._count()
        nodes = self._dispatcher.nodes
        up = [node for node in nodes if node.open or node.name in self._starting]
        policies = self._dispatcher.policies
        wanted = policies.scaling.wanted(up, self._dispatcher.demand, len(nodes))
        if wanted > len(up):
            down = [node for node in nodes if node not in up]
            for node in down[: wanted - len(up)]:
                self._start(node)
        elif wanted < len(up):
            self._close([node for node in up if node.open], len(up) - wanted)

    def _start(self, node: NodeState) -> None:
        self._starting.add(node.name)
        started = self._environment.timeout(node.spec.start_seconds, node)
        started.callbacks.append(self._started)

    def _started(self, event: simpy.Event) -> None:
        node = event.value
        assert isinstance(node, NodeState)
        self._count()
        self._starting.discard(node.name)
        node.open = True
        for other in self._dispatcher.retry_held(self._environment.now):
            self._moved(other)

    def _close(self, nodes: Sequence[NodeState], count: int) -> None:
        # At least one stays open, so that nothing is held back for ever.
        left = min(count, len(nodes) - 1)
        for node in sorted(nodes, key=NodeState.calls):
            if not left:
                return
            if not self._is_spare(node):
                continue
            left -= 1
            node.open = False
            for other in self._dispatcher.rehome(node, self._environment.now):
                self._moved(other)

    def _is_spare(self, node: NodeState) -> bool:
        """Whether its calls find another node: weights that never move must be there too."""
        if not self._dispatcher.policies.weights.places:
            return True
        others = [item for item in self._dispatcher.nodes if item.open and item is not node]
        return all(any(model in item.hosted for item in others) for model in node.hosted)

    def _count(self) -> None:
        now = self._environment.now
        up = sum(
            node.open or node.name in self._starting or bool(node.running)
            for node in self._dispatcher.nodes
        )
        self.open_seconds += up * (now - self._since)
        self._since = now
