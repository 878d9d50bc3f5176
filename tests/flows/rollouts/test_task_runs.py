"""Work: a result or an error handed over, never raised where Prefect would see it."""

import asyncio
from dataclasses import replace
from typing import Literal

import pytest

from flows.rollouts import task_runs as operator_runs
from flows.rollouts.task_runs import Work, rollout_starter
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


def test_the_two_granularities_are_different_ways() -> None:
    assert rollout_starter("operator") is not rollout_starter("rollout")


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
            await work.run()
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

    state = await operator_runs.operator_run.fn("Generate", Work(start))
    assert (state.is_completed(), state.is_failed(), state.is_cancelled()) == (
        status == "ok",
        status == "failed",
        status == "cancelled",
    )
    assert (error or "tokens") in (state.message or "")
