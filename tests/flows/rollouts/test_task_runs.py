"""Work: a result or an error handed over, never raised where Prefect would see it."""

import asyncio
from dataclasses import replace
from typing import Literal

import pytest

from flows.rollouts import task_runs as operator_runs
from flows.rollouts.showing_allowance import FIRST_SECONDS, SHARE, Allowance, Metered
from flows.rollouts.task_runs import Work
from lamas.domain import OperatorInvocation
from lamas.errors import BudgetExceededError
from tests.factories import make_rollout, step


async def test_a_result_is_handed_over() -> None:
    async def start() -> int:
        return 4

    work = Work(start)
    assert await work.run() == 4
    assert work.outcome() == 4


@pytest.mark.parametrize("error", [BudgetExceededError("cap"), asyncio.CancelledError("stop")])
async def test_an_error_is_kept_and_raised_later_as_it_was(error: BaseException) -> None:
    async def start() -> int:
        raise error

    work = Work(start)
    assert await work.run() is None
    with pytest.raises(type(error)) as caught:
        work.outcome()
    assert caught.value is error


@pytest.mark.slow
@pytest.mark.parametrize("begun", [False, True])
async def test_work_is_done_once_although_the_engine_that_shows_it_breaks(
    monkeypatch: pytest.MonkeyPatch, begun: bool
) -> None:
    done: list[int] = []

    async def start() -> int:
        done.append(1)
        return 4

    async def broken(name: str, work: Work[int], *, return_state: bool) -> None:
        if begun:
            await work.ended()
        raise ConnectionError("the server is gone")

    monkeypatch.setattr(operator_runs, "batch_run", broken)
    assert await operator_runs.as_batch("a batch", start) == 4
    assert done == [1]


@pytest.mark.parametrize("status", ["ok", "failed", "cancelled"])
async def test_a_task_run_shows_how_its_operator_ended_and_why(
    status: Literal["ok", "failed", "cancelled"],
) -> None:
    (done,) = make_rollout([[step("Generate", 1)]]).trace.invocations
    error = None if status == "ok" else f"why it {status}"
    ended = replace(done, status=status, error=error)

    async def start() -> OperatorInvocation:
        return ended

    work = Work(start)
    await work.run()
    state = await operator_runs.operator_run.fn("Generate", work)
    assert (state.is_completed(), state.is_failed(), state.is_cancelled()) == (
        status == "ok",
        status == "failed",
        status == "cancelled",
    )
    assert (error or "tokens") in (state.message or "")


async def test_work_does_not_wait_for_what_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    may_begin = asyncio.Event()

    async def slow(name: str, work: Work[int], *, return_state: bool) -> None:
        await may_begin.wait()
        order.append("shown")

    async def start() -> int:
        order.append("worked")
        may_begin.set()
        return 4

    monkeypatch.setattr(operator_runs, "batch_run", slow)
    assert await operator_runs.as_batch("a batch", start) == 4
    assert order == ["worked", "shown"]


def test_an_allowance_grows_with_time_and_shrinks_by_what_is_measured() -> None:
    now = 0.0
    allowance = Allowance(lambda: now)
    assert allowance.reserve(1)
    allowance.paid(FIRST_SECONDS / 2)
    assert allowance.seconds_each == FIRST_SECONDS / 2
    assert allowance.reserve(1)
    # What is on its way counts as what others took.
    assert not allowance.reserve(1)
    now = 2 * FIRST_SECONDS / SHARE
    assert allowance.reserve(4)
    assert not allowance.reserve(1)
    allowance.give_back(1)
    assert allowance.reserve(1)


async def test_a_metered_coroutine_behaves_as_it_would_alone() -> None:
    paid: list[float] = []
    spun = 200_000

    async def work(fail: bool) -> int:
        await asyncio.sleep(0.01)
        total = sum(range(spun))
        try:
            await asyncio.wait_for(asyncio.Event().wait(), 0.01)
        except TimeoutError:
            total += 1
        if fail:
            raise ValueError(total)
        return total

    async def metered(fail: bool) -> int:
        return await Metered(work(fail), paid.append)

    expected = sum(range(spun)) + 1
    assert await metered(False) == expected
    with pytest.raises(ValueError, match=str(expected)):
        await metered(True)
    waiting = asyncio.ensure_future(metered(False))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(paid) == 3
    assert paid[0] > 0.0
