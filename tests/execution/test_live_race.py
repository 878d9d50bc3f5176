"""A chain that fails in the moment in which its rollout is cancelled is no unread error."""

import asyncio
import gc
from typing import cast

import pytest

from lamas.execution.live_race import LiveRace
from lamas.operators.chain import Chain

PLACE = (0, 0)


async def _judge(text: str, chain: Chain) -> str | None:
    return text


@pytest.mark.slow
async def test_an_error_at_the_cancelling_of_its_rollout_is_read() -> None:
    loop, told = asyncio.get_running_loop(), list[str]()
    loop.set_exception_handler(lambda _, context: told.append(str(context["message"])))
    race = LiveRace([PLACE], 1, _judge, reason="enough")
    started, tasks = asyncio.Event(), list[asyncio.Task[str | None]]()

    async def work() -> str:
        started.set()
        await asyncio.sleep(0)
        loop.call_soon(tasks[0].cancel)
        raise RuntimeError("the endpoint is gone")

    # The chain is not looked at before it has answered.
    tasks.append(asyncio.create_task(race.run(PLACE, cast("Chain", None), work)))
    await started.wait()
    # Not awaited: a traceback would keep the chain's task alive.
    await asyncio.wait(tasks)
    assert tasks[0].cancelled()
    tasks.clear()
    del race
    gc.collect()
    await asyncio.sleep(0)
    assert told == []
