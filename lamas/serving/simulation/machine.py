"""One node at work in simulated time: prefill, decoding, growth, overflow, loading weights."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import simpy

from lamas.domain.serving import ColdStart
from lamas.serving.dispatcher import Dispatcher
from lamas.serving.node import NodeState, Running
from lamas.serving.residence import WeightLoad
from lamas.serving.simulation.batch import Batch


@dataclass(slots=True)
class Progress:
    """What a call has behind it, through all its pre-emptions."""

    output_tokens: int
    """The hidden length of its answer."""
    generated: float = 0.0
    started_at: float = -1.0
    first_token_at: float = -1.0
    cached_tokens: int = 0
    first_reserved_tokens: int = 0
    growths: int = 0
    preemptions: int = 0
    service_seconds: float = 0.0
    reserved_byte_seconds: float = 0.0
    used_byte_seconds: float = 0.0
    since: float = 0.0
    """Begin of the stretch that is not yet in the sums."""


class Machine:
    """Runs what the dispatcher starts on one node.

    A prompt is computed as soon as its call starts, one after another, and decoding pauses
    meanwhile, as servers do that prefer prefill.
    """

    def __init__(
        self,
        environment: simpy.Environment,
        node: NodeState,
        dispatcher: Dispatcher,
        *,
        progress: dict[int, Progress],
        ended: Callable[[Running, NodeState], None],
        moved: Callable[[NodeState], None],
        cold_start: Callable[[ColdStart], None],
    ) -> None:
        """`ended` takes over calls that have their answer, `moved` looks at another node."""
        self.node = node
        self._environment = environment
        self._dispatcher = dispatcher
        self._progress = progress
        self._ended = ended
        self._moved = moved
        self._cold_start = cold_start
        self._batch = Batch(node.shapes)
        self._prompts: deque[Running] = deque()
        self._prompt_until = 0.0
        self._wakes_at = float("inf")

    def look(self) -> None:
        """Something changed: start what may start, and be awake for what comes next."""
        now = self._environment.now
        outcome = self._dispatcher.look(self.node, now)
        for running in outcome.started:
            progress = self._progress[running.call.number]
            if progress.started_at < 0:
                progress.started_at = now
                progress.cached_tokens = running.cached_tokens
                progress.first_reserved_tokens = running.reserved_tokens
            progress.since = now
            self._prompts.append(running)
            if len(self._prompts) == 1:
                self._batch.advance(now)
                self._begin_prompt(running, now)
        for load in outcome.loads:
            self._load(load, now)
        self._schedule()

    def _begin_prompt(self, running: Running, now: float) -> None:
        shape = self.node.shapes[running.call.model]
        generated = running.waiting.generated_tokens
        uncached = running.call.input_tokens - running.cached_tokens + generated
        seconds = shape.prefill_seconds + shape.prefill_seconds_per_token * uncached
        self._prompt_until = now + seconds

    def _load(self, load: WeightLoad, now: float) -> None:
        self._cold_start(
            ColdStart(
                node=self.node.name,
                model=load.model,
                began_at=now,
                seconds=load.seconds,
                tier=load.tier,
            )
        )
        arrived = self._environment.timeout(load.seconds, load.model)
        arrived.callbacks.append(self._loaded)

    def _loaded(self, event: simpy.Event) -> None:
        self._dispatcher.loaded(self.node, str(event.value), self._environment.now)
        self.look()

    def _schedule(self) -> None:
        at = self._prompt_until if self._prompts else self._batch_due()
        if at == self._wakes_at:
            return
        self._wakes_at = at
        if at < float("inf"):
            event = self._environment.timeout(max(at - self._environment.now, 0.0), at)
            event.callbacks.append(self._wake)

    def _batch_due(self) -> float:
        self._batch.advance(self._environment.now)
        return self._batch.next_at()

    def _wake(self, event: simpy.Event) -> None:
        if event.value != self._wakes_at:
            # What it was set for has changed since.
            return
        self._wakes_at = float("inf")
        now = self._environment.now
        if self._prompts:
            self._batch.advance(now, decoding=False)
            self._end_prompt(now)
        else:
            self._batch.advance(now)
        changed = False
        while not self._prompts and (running := self._batch.due()) is not None:
            changed |= self._reach(running, now)
        if changed:
            self._retry(now)
            self.look()
        else:
            self._schedule()

    def _end_prompt(self, now: float) -> None:
        running = self._prompts.popleft()
        progress = self._progress[running.call.number]
        if progress.first_token_at < 0:
            progress.first_token_at = now
        self._decode(running)
        if self._prompts:
            self._begin_prompt(self._prompts[0], now)

    def _decode(self, running: Running) -> None:
        progress = self._progress[running.call.number]
        until = min(running.reserved_tokens, progress.output_tokens)
        self._batch.join(running, max(until - progress.generated, 0.0))

    def _reach(self, running: Running, now: float) -> bool:
        """The end of an answer or of its reservation; whether others may start for it."""
        progress = self._progress[running.call.number]
        self._account(running, now, self._batch.leave(running))
        if progress.generated >= progress.output_tokens - 0.5:
            progress.growths += running.growths
            self._dispatcher.finish(self.node, running, now)
            self._ended(running, self.node)
            return True
        evicted = self._dispatcher.grow(self.node, running, now)
        for lost in evicted:
            self._preempt(lost, running, now)
        if running not in evicted:
            self._decode(running)
        return bool(evicted)

    def _preempt(self, lost: Running, growing: Running, now: float) -> None:
        progress = self._progress[lost.call.number]
        # No prompt is being computed here: growth belongs to decoding.
        if lost is not growing:
            self._account(lost, now, self._batch.leave(lost))
        progress.growths += lost.growths
        progress.preemptions += 1
        node = self._dispatcher.requeue(lost, round(progress.generated), now)
        progress.generated = float(round(progress.generated))
        if node is not None and node is not self.node:
            self._moved(node)

    def _account(self, running: Running, now: float, gained: float) -> None:
        progress = self._progress[running.call.number]
        seconds = now - progress.since
        token_bytes = self.node.shapes[running.call.model].token_bytes
        prompt = running.call.input_tokens - running.cached_tokens
        before, progress.generated = progress.generated, progress.generated + gained
        progress.reserved_byte_seconds += (prompt + running.reserved_tokens) * token_bytes * seconds
        progress.used_byte_seconds += (prompt + before + gained / 2) * token_bytes * seconds
        progress.service_seconds += seconds
        progress.since = now

    def _retry(self, now: float) -> None:
        for node in self._dispatcher.retry_held(now):
            if node is not self.node:
                self._moved(node)
