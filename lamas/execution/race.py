"""How a layer ends at a quorum by the seconds of its records, whoever really answered first."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from lamas.domain import ModelCall, OperatorInvocation, ToolExecution, ordered_sum
from lamas.llm import Turn
from lamas.operators.chain import Chain
from lamas.timing.quorum import Arrival, Step, cut, finish, spans

Place = tuple[int, int]
"""Of a chain: position of its operator in the layer, branch."""

Judge = Callable[[str, Chain], Awaitable[str | None]]
"""What a chain's text agrees with others by; None where nothing can be read from it."""


Cut = Callable[[Sequence[Step]], tuple[tuple[ModelCall, ...], tuple[ToolExecution, ...]]]
"""What of a chain's steps had happened when the layer ended without it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How the layer ended."""

    arrived: frozenset[Place]
    cut: Cut


class LayerRace(ABC):
    """The chains of one layer, of which `quorum` that agree are enough."""

    def __init__(
        self, places: Collection[Place], quorum: int, judge: Judge, *, reason: str
    ) -> None:
        """`places` in catalogue order; `reason` is why a chain is cancelled."""
        self.places = tuple(places)
        self.quorum = quorum
        self.judge = judge
        self.reason = reason

    def of(self, position: int) -> "OperatorRace":
        """What the operator at that position sees of it."""
        return OperatorRace(self, position)

    @abstractmethod
    async def run(
        self, place: Place, chain: Chain, work: Callable[[], Awaitable[str]]
    ) -> str | None:
        """As `Race.run`."""

    @abstractmethod
    def turn(self, place: Place) -> Turn | None:
        """As `Race.turn`."""

    @abstractmethod
    def leave(self, position: int) -> None:
        """The operator there does nothing more; may be said again."""

    @abstractmethod
    async def settled(self, position: int, ran: OperatorInvocation) -> Outcome | None:
        """How the layer ended, once that is known; `ran` is all that the operator did. None
        where nobody is cut: an operator failed, and the rollout with it.
        """


@dataclass(frozen=True, slots=True)
class OperatorRace:
    """A `lamas.operators.race.Race`."""

    race: LayerRace
    position: int

    async def run(
        self, branch: int, chain: Chain, work: Callable[[], Awaitable[str]]
    ) -> str | None:
        return await self.race.run((self.position, branch), chain, work)

    def turn(self, branch: int) -> Turn | None:
        return self.race.turn((self.position, branch))


class RecordedRace(LayerRace):
    """Every chain runs to its end; who was in time follows from the seconds of the records."""

    def __init__(
        self,
        places: Collection[Place],
        quorum: int,
        judge: Judge,
        *,
        reason: str,
        operators: int,
        gamma: float,
    ) -> None:
        """`operators` of the layer, whether they race or not; `gamma`: γ in tokens per second."""
        super().__init__(places, quorum, judge, reason=reason)
        self._gamma = gamma
        self._keys: dict[Place, str | None] = {}
        self._running = set(range(operators))
        self._ran: dict[int, OperatorInvocation] = {}
        self._done = asyncio.Event()

    async def run(
        self, place: Place, chain: Chain, work: Callable[[], Awaitable[str]]
    ) -> str | None:
        text = await work()
        self._keys[place] = await self.judge(text, chain)
        return text

    def turn(self, place: Place) -> Turn | None:
        return None

    def leave(self, position: int) -> None:
        self._running.discard(position)
        if not self._running:
            self._done.set()

    async def settled(self, position: int, ran: OperatorInvocation) -> Outcome | None:
        self._ran[position] = ran
        self.leave(position)
        # Its task run ends when it is known whether it was in time.
        await self._done.wait()
        if any(place not in self._keys for place in self.places) or any(
            item.status == "failed" for item in self._ran.values()
        ):
            return None
        calls = [call for item in self._ran.values() for call in item.calls]
        # One clock for all chains of a layer.
        carried = all(call.seconds_from != "measured" for call in calls)
        gamma = None if carried else self._gamma
        ended = finish([self._arrival(place, gamma) for place in self.places], self.quorum)
        return Outcome(
            arrived=frozenset(self.places[index] for index in ended.places),
            cut=lambda steps: cut(spans(steps, gamma), ended.moment, self.reason),
        )

    def _arrival(self, place: Place, gamma: float | None) -> Arrival:
        steps = steps_of(self._ran[place[0]], place, self.places)
        seconds = ordered_sum(seconds for _, seconds in spans(steps, gamma))
        return Arrival(at=seconds, key=self._keys[place])


def steps_of(ran: OperatorInvocation, place: Place, places: Collection[Place]) -> tuple[Step, ...]:
    """The steps of one chain of an operator: of its branch, or all where it is the only one."""
    alone = sum(other[0] == place[0] for other in places) == 1
    return tuple(step for step in (*ran.calls, *ran.tools) if alone or step.branch == place[1])
