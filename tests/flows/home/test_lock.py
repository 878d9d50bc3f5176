"""One writer at a time: who comes second is refused or waits, as configured."""

import asyncio
from pathlib import Path

import pytest

from flows.home.lock import writer_lock, writer_turn
from flows.run.opening import session
from lamas.errors import WarehouseError
from tests.patience import patience, soon


async def test_refused_while_another_writes(tmp_path: Path) -> None:
    said: list[str] = []
    refusal = pytest.raises(WarehouseError, match=r"another run is writing to .*overlap=wait")
    with writer_lock(tmp_path), refusal:
        async with writer_turn(tmp_path, "refuse", said.append):
            raise AssertionError
    assert said == []


async def test_waiting_says_so_once_and_goes_on_when_the_other_ends(tmp_path: Path) -> None:
    said: list[str] = []
    entered: list[str] = []

    async def second() -> None:
        async with writer_turn(tmp_path, "wait", said.append):
            entered.append("second")

    with writer_lock(tmp_path):
        waiting = asyncio.create_task(second())
        await soon(lambda: said)
        assert entered == []
    await asyncio.wait_for(waiting, patience(10))
    assert entered == ["second"]
    assert said == [f"another run is writing to {tmp_path}; waiting until it ends"]


@pytest.mark.slow
async def test_a_cancelled_wait_leaves_the_turn_to_the_others(tmp_path: Path) -> None:
    async def second() -> None:
        async with writer_turn(tmp_path, "wait", lambda text: None):
            raise AssertionError

    with writer_lock(tmp_path):
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    with writer_lock(tmp_path):
        pass


@pytest.mark.slow
async def test_a_run_configured_to_wait_does(tmp_path: Path) -> None:
    home = tmp_path / "home"
    ran: list[str] = []

    async def run() -> None:
        async with session("collect", ["llm=simulated", f"home={home}", "overlap=wait"]) as current:
            ran.append(current.run.run_id)

    with writer_lock(home):
        waiting = asyncio.create_task(run())
        await asyncio.sleep(0.5)
        assert ran == []
    await asyncio.wait_for(waiting, patience(30))
    assert len(ran) == 1
