"""Work: a result or an error handed over, never raised where Prefect would see it."""

import asyncio

import pytest

from flows.operator_runs import Work, rollout_starter
from lamas.errors import BudgetExceededError


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
