"""Which ready call goes to which node and when it starts: the state machine behind both clocks.

A simulator and a live server drive the same object: they say when calls become ready, outgrow their
memory and end, and are told what starts. It does no I/O and asks no clock.
"""

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from lamas.errors import DomainError
from lamas.serving.call import Call
from lamas.serving.node import Hosted, NodeState, Running, shared_demand
from lamas.serving.policies.catalogue import Policies
from lamas.serving.queue import Waiting
from lamas.serving.residence import Residence, WeightLoad

RESCORE_SECONDS = 0.5
"""Keys that depend on the cluster are computed again after so long."""
SESSIONS = 100_000
"""Sessions whose last node is remembered, the latest."""
NEVER = math.inf


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a look at a node's queue led to."""

    started: tuple[Running, ...] = ()
    loads: tuple[WeightLoad, ...] = ()


class Dispatcher:
    """Asks the policies; the only one that changes nodes."""

    def __init__(self, nodes: Sequence[NodeState], policies: Policies) -> None:
        """Raises DomainError without nodes."""
        if not nodes:
            raise DomainError("a dispatcher needs at least one node")
        self.nodes = tuple(nodes)
        self.policies = policies
        self.demand = shared_demand(self.nodes)
        self._residence = Residence(policies.weights)
        self._held: list[Waiting] = []
        self._last_node: OrderedDict[str, NodeState] = OrderedDict()
        self._calls_of: dict[str, int] = {}

    @property
    def held(self) -> tuple[Waiting, ...]:
        """Calls that no node may take for now, the most urgent first."""
        return tuple(sorted(self._held))

    def place(self, models: Sequence[str], now: float) -> None:
        """Load models at the begin, largest first, each on as many nodes as have room for it.

        Weights that always stay get nowhere else later. Raises DomainError when one finds no room.
        """
        self._residence.place(self.nodes, models, now)

    def refusal(self, call: Call) -> str | None:
        """Why no node could ever run the call, or None where one can."""
        shape_bytes = [
            (node, node.shapes[call.model]) for node in self.nodes if call.model in node.shapes
        ]
        if not shape_bytes:
            return f"call {call.number}: no node knows model {call.model}"
        tokens = call.input_tokens + call.max_tokens
        for node, shape in shape_bytes:
            weights = node.weight_bytes if self.policies.weights.places else shape.weight_bytes
            fits = weights + tokens * shape.token_bytes <= node.usable_bytes
            if fits and (call.model in node.hosted or not self.policies.weights.places):
                return None
        most = max(node.usable_bytes for node, _ in shape_bytes)
        return (
            f"call {call.number}: {tokens} tokens of {call.model} take "
            f"{tokens * shape_bytes[0][1].token_bytes / 1e9:.1f} GB beside its weights, a node has "
            f"{most / 1e9:.1f} GB: shorten the prompt or lower max_tokens"
        )

    def submit(self, call: Call, now: float) -> NodeState | None:
        """A call is ready. Returns the node it waits at, None when it is held back.

        Raises DomainError where no node could ever run it (`refusal`).
        """
        if (reason := self.refusal(call)) is not None:
            raise DomainError(reason)
        self.demand.arrived(call.model, now)
        key = self.policies.priority.key(call, self.demand)
        return self._route(Waiting(call, key), now)

    def look(self, node: NodeState, now: float) -> Outcome:
        """Start what may start at a node: call it whenever something changed there."""
        priority = self.policies.priority
        if priority.changes and now - node.rescored_at >= RESCORE_SECONDS:
            node.rescored_at = now
            node.queue.rescore(lambda call: priority.key(call, self.demand))
        started: list[Running] = []
        loads: list[WeightLoad] = []
        blocked: set[str] = set()
        while (head := node.queue.best(blocked)) is not None:
            model = head.call.model
            hosted = node.hosted.get(model)
            if hosted is None:
                load = self._residence.make_hot(node, model, self.demand, now)
                if load is not None:
                    loads.append(load)
                blocked.add(model)
            elif not _takes_more(node, hosted):
                blocked.add(model)
            elif self._room_for(node, head, now):
                # Had anybody more urgent still wanted its room, it would be gone by now.
                hosted.draining = False
                started.append(self._start(node, hosted, head, now))
            else:
                # Nothing that is less urgent may take the memory it waits for.
                break
        return Outcome(started=tuple(started), loads=tuple(loads))

    def loaded(self, node: NodeState, model: str, now: float) -> None:
        """The weights of a model have arrived."""
        node.hosted[model].loading = False
        node.hosted[model].last_used_at = now

    def grow(self, node: NodeState, running: Running, now: float) -> tuple[Running, ...]:
        """An answer has filled its reservation: give it more. Returns who was pre-empted for it.

        The least urgent calls of the node make room, the growing one itself among them.
        """
        call = running.call
        reserved = self.policies.reservation.grown(call, running.reserved_tokens)
        added = (reserved - running.reserved_tokens) * node.shapes[call.model].token_bytes
        evicted: list[Running] = []
        while node.free_bytes < added:
            node.cache.evict(added - node.free_bytes)
            if node.free_bytes >= added:
                break
            least = max(node.running.values(), key=lambda item: item.waiting)
            evicted.append(least)
            self._release(node, least, now, steps=1.0)
            if least is running:
                return tuple(evicted)
        running.reserved_tokens = reserved
        running.reserved_bytes += added
        node.reserved_bytes += added
        running.growths += 1
        return tuple(evicted)

    def requeue(self, running: Running, generated_tokens: int, now: float) -> NodeState | None:
        """Let a pre-empted call wait again; what it has generated is computed again as a prompt."""
        old = running.waiting
        again = Waiting(old.call, old.key, generated_tokens, old.preemptions + 1)
        self.demand.waits(old.call.model, 1)
        return self._route(again, now)

    def finish(self, node: NodeState, running: Running, now: float) -> None:
        """A call has its whole answer."""
        self._release(node, running, now, steps=self._steps_to_next_use(running.call))

    def withdraw(self, call: Call) -> None:
        """Forget a call that waits and that nobody wants any more."""
        self.demand.waits(call.model, -1)
        for node in self.nodes:
            if node.queue.remove(call):
                self._forget_load(node, call)
                return
        self._held = [item for item in self._held if item.call is not call]

    def retry_held(self, now: float) -> list[NodeState]:
        """Route held calls again, the most urgent first; the nodes that got one."""
        if not self._held:
            return []
        waiting, self._held = sorted(self._held), []
        found: list[NodeState] = []
        for place, item in enumerate(waiting):
            node = self._route(item, now)
            if node is None:
                # The rest is less urgent.
                self._held += waiting[place + 1 :]
                break
            if node not in found:
                found.append(node)
        return found

    def rehome(self, node: NodeState, now: float) -> list[NodeState]:
        """Move everything that waits at a closing node elsewhere; the nodes that got some."""
        found: list[NodeState] = []
        while (item := node.queue.best()) is not None:
            node.queue.pop(item)
            self._forget_load(node, item.call)
            target = self._route(item, now)
            if target is not None and target not in found:
                found.append(target)
        return found

    def _route(self, item: Waiting, now: float) -> NodeState | None:
        call = item.call
        nodes = [node for node in self.nodes if self._may_take(node, call)]
        session = call.semantics.session or call.semantics.workflow
        previous = self._last_node.get(session)
        node = self.policies.routing.choose(call, nodes, previous, now) if nodes else None
        if node is None:
            self._held.append(item)
            return None
        self._last_node[session] = node
        self._last_node.move_to_end(session)
        if len(self._last_node) > SESSIONS:
            self._last_node.popitem(last=False)
        node.queue.push(item)
        node.load_seconds += call.forecast.machine_seconds
        node.upper_bytes += node.upper_bytes_of(call)
        node.exceeding += call.forecast.exceeding
        return node

    def _may_take(self, node: NodeState, call: Call) -> bool:
        if not node.open or call.model not in node.shapes:
            return False
        return not self.policies.weights.places or call.model in node.hosted

    def _room_for(self, node: NodeState, head: Waiting, now: float) -> bool:
        call = head.call
        token_bytes = node.shapes[call.model].token_bytes
        missing, idle = node.cache.missing_bytes(call.model, call.prompt, token_bytes)
        wanted = missing + self._first_tokens(head) * token_bytes
        free = node.free_bytes
        if free >= wanted:
            return True
        if free + node.cache.idle_bytes - idle >= wanted:
            return True
        # Where nothing runs, nothing that ends would ever make room: other weights must go.
        return (
            not node.running
            and self._residence.give_up_one(node, call.model, self.demand, now)
            and self._room_for(node, head, now)
        )

    def _first_tokens(self, head: Waiting) -> int:
        """Tokens of the answer to reserve now: those it has, and what the policy gives."""
        first = self.policies.reservation.first(head.call)
        return min(max(first, head.generated_tokens + 1), head.call.max_tokens)

    def _start(self, node: NodeState, hosted: Hosted, head: Waiting, now: float) -> Running:
        node.queue.pop(head)
        call = head.call
        token_bytes = node.shapes[call.model].token_bytes
        cached = node.cache.cached_tokens(call.model, call.prompt)
        node.cache.pin(call.model, call.prompt, token_bytes, call.semantics.workflow)
        reserved = self._first_tokens(head)
        running = Running(
            waiting=head,
            started_at=now,
            cached_tokens=cached,
            reserved_tokens=reserved,
            reserved_bytes=reserved * token_bytes,
        )
        node.reserved_bytes += running.reserved_bytes
        if node.free_bytes < 0:
            node.cache.evict(-node.free_bytes)
        node.running[call.number] = running
        hosted.running += 1
        hosted.last_used_at = now
        self.demand.waits(call.model, -1)
        return running

    def _release(self, node: NodeState, running: Running, now: float, *, steps: float) -> None:
        call = running.call
        del node.running[call.number]
        hosted = node.hosted[call.model]
        hosted.running -= 1
        hosted.last_used_at = now
        node.reserved_bytes -= running.reserved_bytes
        node.cache.unpin(call.model, call.prompt, now=now, steps_to_next_use=steps)
        self._forget_load(node, call)
        if not node.running:
            # Sums of floats come back to what they began with.
            node.reserved_bytes = 0.0

    def _forget_load(self, node: NodeState, call: Call) -> None:
        node.load_seconds -= call.forecast.machine_seconds
        node.upper_bytes -= node.upper_bytes_of(call)
        node.exceeding -= call.forecast.exceeding
        if not node.calls():
            node.load_seconds = node.upper_bytes = node.exceeding = 0.0

    def _steps_to_next_use(self, call: Call) -> float:
        """Steps until the workflow's prompt is read again; infinity after its last layer.

        Where no graph is known, the expected number of further steps says whether there are any.
        """
        rest = call.semantics.rest
        if rest is not None:
            return 1.0 if rest else NEVER
        return 1.0 if call.forecast.remaining_steps > 1.5 else NEVER


def _takes_more(node: NodeState, hosted: Hosted) -> bool:
    if hosted.loading or (hosted.draining and hosted.running):
        return False
    return hosted.running < node.shapes[hosted.model].slots
