"""Rollouts run together, are written once each, and survive whatever ends the collection."""

import asyncio
import gc
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.domain import PlannedRollout, Rollout
from lamas.errors import BudgetExceededError, SandboxError
from lamas.execution import recorder
from lamas.execution.collecting import Collected, collect_rollouts
from tests.factories import Step, make_rollout

FINISHED = make_rollout()
FAILED = make_rollout([[Step(operator="Generate", error="HTTP 500")]])


def plans(count: int) -> list[PlannedRollout]:
    return [replace(FINISHED.plan, rollout_id=str(number)) for number in range(count)]


class Rollouts:
    """Runs plans as told and remembers how many ran together; writes into a list."""

    def __init__(
        self, *, seconds: float = 0.0, events: dict[int, Callable[[], Rollout]] | None = None
    ) -> None:
        self.seconds = seconds
        self.events = events or {}
        self.running = self.most_running = 0
        self.written: list[str] = []
        self.batches: list[int] = []
        self.seen: list[str] = []
        self.ten_seen = asyncio.Event()

    async def run_one(self, planned: PlannedRollout) -> Rollout:
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await asyncio.sleep(self.seconds)
            event = self.events.get(int(planned.rollout_id))
            return replace(FINISHED if event is None else event(), plan=planned)
        finally:
            self.running -= 1

    def write(self, rollouts: Sequence[Rollout]) -> None:
        self.batches.append(len(rollouts))
        self.written += [item.rollout_id for item in rollouts]

    def on_finished(self, rollout: Rollout) -> None:
        self.seen.append(rollout.rollout_id)
        if len(self.seen) == 10:
            self.ten_seen.set()

    async def collect(self, count: int, concurrency: int = 8) -> Collected:
        return await collect_rollouts(
            plans(count),
            run_one=self.run_one,
            write=self.write,
            on_finished=self.on_finished,
            concurrency=concurrency,
        )


def stop(error: BaseException) -> Callable[[], Rollout]:
    def raises() -> Rollout:
        raise error

    return raises


@given(count=st.integers(0, 40), concurrency=st.integers(1, 12), failed=st.sets(st.integers(0, 39)))
async def test_everything_is_written_once_with_bounded_concurrency(
    count: int, concurrency: int, failed: set[int]
) -> None:
    rollouts = Rollouts(events=dict.fromkeys(failed, lambda: FAILED))
    collected = await rollouts.collect(count, concurrency)
    expected = Counter(str(number) for number in range(count))
    assert Counter(rollouts.written) == Counter(rollouts.seen) == expected
    assert rollouts.most_running == min(count, concurrency)
    assert collected.finished == count
    assert collected.failed == len([number for number in failed if number < count])
    assert collected.first_error == ("HTTP 500" if collected.failed else None)


async def test_finished_rollouts_are_written_while_others_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recorder, "FLUSH_SECONDS", 0.01)
    rollouts = Rollouts(seconds=0.03)
    await rollouts.collect(12, concurrency=2)
    assert len(rollouts.batches) > 2
    assert len(rollouts.written) == 12


async def test_batches_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "FLUSH_SECONDS", 0.01)
    monkeypatch.setattr(recorder, "FLUSH_ITEMS", 3)
    rollouts = Rollouts(seconds=0.05, events={20: lambda: time.sleep(0.1) or FINISHED})
    await rollouts.collect(21, concurrency=20)
    assert Counter(rollouts.written) == Counter(str(number) for number in range(21))
    assert max(rollouts.batches[:-1]) <= 3


@pytest.mark.parametrize("error", [BudgetExceededError("the cap is reached"), ValueError("a bug")])
async def test_an_error_is_raised_bare_and_what_finished_is_written(error: BaseException) -> None:
    rollouts = Rollouts(seconds=0.001, events={17: stop(error)})
    with pytest.raises(type(error)) as caught:
        await rollouts.collect(10_000, concurrency=4)
    assert caught.value is error
    assert rollouts.running == 0
    assert 13 < len(rollouts.written) < 40
    assert Counter(rollouts.written) == Counter(rollouts.seen)
    assert "17" not in rollouts.written


async def test_the_first_error_is_the_one_raised() -> None:
    first, later = SandboxError("first"), ValueError("later")

    async def run_one(planned: PlannedRollout) -> Rollout:
        if planned.rollout_id == "0":
            await asyncio.sleep(0.01)
            raise first
        try:
            await asyncio.sleep(10)
        finally:
            # Cleaning up goes wrong too.
            raise later
        return FINISHED

    with pytest.raises(SandboxError, match="first"):
        await collect_rollouts(
            plans(3), run_one=run_one, write=lambda _: None, on_finished=print, concurrency=3
        )


async def test_a_reached_budget_begins_nothing_more_and_loses_nothing_that_is_in_flight() -> None:
    begun: list[str] = []
    written: list[Rollout] = []
    capped = asyncio.Event()

    async def run_one(planned: PlannedRollout) -> Rollout:
        begun.append(planned.rollout_id)
        if planned.rollout_id == "0":
            capped.set()
            raise BudgetExceededError("the cap is reached")
        await capped.wait()
        await asyncio.sleep(0.001)
        return FINISHED

    with pytest.raises(BudgetExceededError, match="the cap is reached"):
        await collect_rollouts(
            plans(9), run_one=run_one, write=written.extend, on_finished=print, concurrency=3
        )
    assert begun == ["0", "1", "2"]
    assert len(written) == 2


async def test_cancelling_writes_what_finished_and_stops_the_rest() -> None:
    rollouts = Rollouts(seconds=0.01)
    task = asyncio.create_task(rollouts.collect(10_000, concurrency=3))
    await rollouts.ten_seen.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert rollouts.running == 0
    assert Counter(rollouts.written) == Counter(rollouts.seen)


async def test_cancelling_in_the_middle_of_a_write_neither_loses_nor_doubles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recorder, "FLUSH_SECONDS", 0.01)
    rollouts = Rollouts(seconds=0.002)
    slow_write = rollouts.write
    writing = asyncio.Event()
    loop = asyncio.get_running_loop()

    def write(rollouts: Sequence[Rollout]) -> None:
        loop.call_soon_threadsafe(writing.set)
        time.sleep(0.05)
        slow_write(rollouts)

    rollouts.write = write
    task = asyncio.create_task(rollouts.collect(10_000, concurrency=3))
    await writing.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert set(rollouts.written) == set(rollouts.seen)
    assert max(Counter(rollouts.written).values()) == 1


async def test_a_write_that_fails_ends_the_collection_with_its_error() -> None:
    def write(items: Sequence[Rollout]) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        await collect_rollouts(
            plans(3),
            run_one=Rollouts().run_one,
            write=write,
            on_finished=lambda _: None,
            concurrency=3,
        )


@pytest.mark.slow
async def test_memory_does_not_grow_with_the_number_of_rollouts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recorder, "FLUSH_SECONDS", 0.005)
    alive: weakref.WeakSet[Alive] = weakref.WeakSet()
    asked = most_alive = most_ahead = 0

    def many() -> Iterator[PlannedRollout]:
        nonlocal asked
        for planned in plans(1500):
            asked += 1
            yield planned

    async def run_one(planned: PlannedRollout) -> Rollout:
        await asyncio.sleep(0.0005)
        payload = Alive(planned.rollout_id)
        alive.add(payload)
        return replace(FINISHED, plan=planned, answer=payload)

    finished = 0

    def on_finished(_: Rollout) -> None:
        nonlocal most_alive, most_ahead, finished
        finished += 1
        most_alive = max(most_alive, len(alive))
        most_ahead = max(most_ahead, asked - finished)

    await collect_rollouts(
        many(), run_one=run_one, write=lambda _: None, on_finished=on_finished, concurrency=8
    )
    gc.collect()
    assert most_ahead <= 8
    assert most_alive < 1000
    assert not alive


class Alive(str):
    """Text that can be watched: a frozen record with slots cannot."""

    __slots__ = ("__weakref__",)
