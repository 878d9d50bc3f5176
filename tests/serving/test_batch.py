"""The fluid batch against a decoder that makes every step."""

import random
from dataclasses import dataclass

import pytest

from lamas.serving.call import Call
from lamas.serving.node import Running
from lamas.serving.queue import Waiting
from lamas.serving.simulation.batch import Batch
from tests.serving.calls import make_call
from tests.serving.world import LARGE, SHAPES, SMALL


@dataclass
class _Slow:
    """One call in the reference."""

    call: Call
    begins_at: float
    left: int
    ended_at: float = -1.0


def step_by_step(calls: list[_Slow]) -> None:
    """All that have begun take a step together, then time has gone on by what the round takes."""
    now = 0.0
    while any(item.ended_at < 0 for item in calls):
        active = [item for item in calls if item.begins_at <= now and item.ended_at < 0]
        if not active:
            now = min(item.begins_at for item in calls if item.ended_at < 0)
            continue
        for model in {item.call.model for item in active}:
            shape = SHAPES[model]
            batch = sum(item.call.model == model for item in active)
            now += shape.step_seconds + shape.step_seconds_per_call * batch
        for item in active:
            item.left -= 1
            if not item.left:
                item.ended_at = now


def running(call: Call) -> Running:
    return Running(Waiting(call, 0.0), 0.0, 0, 0, 0.0)


def fluid(calls: list[_Slow]) -> dict[int, float]:
    """Ends by number of the call."""
    batch, ended = Batch(SHAPES), dict[int, float]()
    waiting = sorted(calls, key=lambda item: item.begins_at)
    while len(ended) < len(calls):
        joins_at = waiting[0].begins_at if waiting else float("inf")
        now = min(joins_at, batch.next_at())
        batch.advance(now)
        while (done := batch.due()) is not None:
            batch.leave(done)
            ended[done.call.number] = now
        if waiting and now == joins_at:
            item = waiting.pop(0)
            batch.join(running(item.call), item.left)
    return ended


@pytest.mark.parametrize("seed", range(5))
def test_calls_end_where_single_steps_would_end_them(seed: int) -> None:
    rng = random.Random(seed)
    calls = [
        _Slow(
            call=make_call(number, model=rng.choice((SMALL, LARGE))),
            begins_at=rng.uniform(0, 3),
            left=rng.randint(1, 60),
        )
        for number in range(12)
    ]
    ended = fluid(calls)
    step_by_step(calls)
    # A call joins at the next step, the fluid at once: at most a round apart for each change.
    longest_round = 6 * (SHAPES[SMALL].step_seconds_per_call + SHAPES[LARGE].step_seconds_per_call)
    longest_round += SHAPES[SMALL].step_seconds + SHAPES[LARGE].step_seconds
    for item in calls:
        assert ended[item.call.number] == pytest.approx(item.ended_at, abs=2 * longest_round)


def test_together_from_the_begin_both_agree_to_rounding() -> None:
    lengths = (3, 7, 7, 20)
    calls = [
        _Slow(call=make_call(number, model=SMALL), begins_at=0.0, left=left)
        for number, left in enumerate(lengths)
    ]
    ended = fluid(calls)
    step_by_step(calls)
    assert [ended[number] for number in range(4)] == pytest.approx(
        [item.ended_at for item in calls]
    )


def test_a_call_that_leaves_early_has_what_it_gained() -> None:
    batch = Batch(SHAPES)
    item = running(make_call(1, model=SMALL))
    batch.join(item, 100)
    batch.advance(0.011 * 40)
    batch.advance(5.0, decoding=False)
    assert batch.leave(item) == pytest.approx(40)
    assert batch.round_seconds == 0
    assert batch.next_at() == float("inf")


def test_a_call_that_joins_again_at_once_is_due_once() -> None:
    batch, item = Batch(SHAPES), running(make_call(1, model=SMALL))
    for _ in range(3):
        batch.join(item, 0)
        assert batch.due() is item
        batch.leave(item)
    assert batch.due() is None


@pytest.mark.slow
def test_entries_of_calls_that_left_are_passed_over() -> None:
    batch, item, other = Batch(SHAPES), running(make_call(1, model=SMALL)), running(make_call(2))
    batch.join(other, 50)
    for _ in range(3):
        batch.join(item, 5)
        batch.leave(item)
    batch.join(item, 5)
    batch.advance(batch.next_at())
    assert batch.due() is item
    batch.leave(item)
    assert batch.due() is None
