"""How a layer ends at a quorum of chains as they really arrive; what still runs is cancelled."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from lamas.domain import ModelCall, OperatorInvocation, ToolExecution
from lamas.errors import CallCancelledError
from lamas.execution.race import Judge, LayerRace, Outcome, Place
from lamas.llm import Turn
from lamas.operators.chain import Chain
from lamas.timing.quorum import Step, cancelled, in_turn


class LiveRace(LayerRace):
    """Who arrives first counts, and what still runs at the quorum is cancelled.

    Nothing is sent before every chain has either ended from stored answers or wants to send: those
    that were there before a restart have arrived in the order of their records, so what happened
    then happens again.
    """

    def __init__(
        self, places: Collection[Place], quorum: int, judge: Judge, *, reason: str
    ) -> None:
        super().__init__(places, quorum, judge, reason=reason)
        self._waiting = set(self.places)
        """Chains that have neither ended nor asked to send anything."""
        self._open = asyncio.Event()
        self._unread: dict[Place, float] = {}
        """Chains that have answered and are being read: when they did, by their records."""
        self._read: dict[Place, tuple[float, str | None]] = {}
        """Those that were read and are not counted yet: when they answered, and their keys."""
        self._counted = asyncio.Event()
        self._tasks: dict[Place, asyncio.Task[str]] = {}
        self._arrived: set[Place] = set()
        self._alike: Counter[str] = Counter()
        self._lost: set[Place] = set()
        self._over = False

    async def run(
        self, place: Place, chain: Chain, work: Callable[[], Awaitable[str]]
    ) -> str | None:
        task = self._tasks[place] = asyncio.create_task(self._working(place, chain, work))
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            # The whole rollout is. The chain may have failed in the same moment: its error is read,
            # or it would be told as one that nobody retrieved.
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise
        finally:
            self._pass(place)
        error = None if task.cancelled() else task.exception()
        # That it was cut short is what was wanted, now or before a restart.
        if place in self._lost or isinstance(error, CallCancelledError):
            return None
        return task.result()

    def turn(self, place: Place) -> Turn | None:
        return _Turn(self, place)

    def leave(self, position: int) -> None:
        for place in self.places:
            if place[0] == position:
                self._pass(place)

    async def settled(self, position: int, ran: OperatorInvocation) -> Outcome | None:
        self.leave(position)
        return Outcome(arrived=frozenset(self._arrived), cut=self._cut)

    def _cut(
        self, steps: Sequence[Step]
    ) -> tuple[tuple[ModelCall, ...], tuple[ToolExecution, ...]]:
        calls = tuple(step for step in in_turn(steps) if isinstance(step, ModelCall))
        # What it came to was measured, and is paid: also what was stored before a restart.
        tools = tuple(step for step in steps if isinstance(step, ToolExecution))
        return cancelled(calls, self.reason), tools

    async def ready(self, place: Place) -> None:
        """Returns when that chain may send."""
        self._pass(place)
        await self._open.wait()

    def over(self, place: Place) -> str | None:
        """Why nobody waits for that chain any more."""
        return self.reason if place in self._lost else None

    async def _working(self, place: Place, chain: Chain, work: Callable[[], Awaitable[str]]) -> str:
        text = await work()
        at = max((call.ended_at for call in chain.own_calls), default=0.0)
        # Reading an answer takes its time; whoever answered before is counted before.
        self._unread[place] = at
        try:
            self._read[place] = (at, await self.judge(text, chain))
        finally:
            del self._unread[place]
            self._pass(place)
            self._count()
        while place in self._read:
            self._counted.clear()
            await self._counted.wait()
        return text

    def _pass(self, place: Place) -> None:
        self._waiting.discard(place)
        if self._waiting or self._open.is_set():
            return
        self._open.set()
        self._count()

    def _count(self) -> None:
        """Let those arrive before whom nobody answered that is still read."""
        while self._open.is_set() and self._read:
            first = min(self._read, key=lambda place: (self._read[place][0], place))
            at, key = self._read[first]
            if any((other, place) < (at, first) for place, other in self._unread.items()):
                break
            del self._read[first]
            self._arrive(first, key)
        self._counted.set()

    def _arrive(self, place: Place, key: str | None) -> None:
        if self._over:
            return
        self._arrived.add(place)
        if key is None:
            return
        self._alike[key] += 1
        if self._alike[key] < self.quorum:
            return
        self._over = True
        for other, task in self._tasks.items():
            if other not in self._arrived and not task.done():
                self._lost.add(other)
                task.cancel()


@dataclass(frozen=True, slots=True)
class _Turn:
    race: LiveRace
    place: Place

    async def ready(self) -> None:
        await self.race.ready(self.place)

    @property
    def over(self) -> str | None:
        return self.race.over(self.place)
