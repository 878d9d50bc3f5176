"""Limits on an endpoint hold over clients that know nothing of one another."""

import asyncio
import time
from collections.abc import Generator

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.orchestrator import limits
from flows.orchestrator.limits import admission_to
from flows.settings import Settings
from flows.settings.compose import load_settings
from lamas.errors import ServerError

pytestmark = pytest.mark.slow


@pytest.fixture
def server(prefect_api: str) -> Generator[str, None, None]:
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        yield prefect_api


def settings(name: str, *limits: str) -> Settings:
    own = [f"llm.base_url=http://{name}.test/v1", "llm.model=tiny", "llm.retry.outage_seconds=0"]
    return load_settings(["llm=endpoint", *own, *limits])


async def test_calls_in_flight_are_bounded_over_all_clients(server: str) -> None:
    bounded = settings("slots", "llm.across_processes.concurrency=2")
    running = most = 0

    async def client() -> None:
        nonlocal running, most
        admission = await admission_to(bounded)
        for _ in range(2):
            async with admission():
                running += 1
                most = max(most, running)
                await asyncio.sleep(0.05)
                running -= 1

    await asyncio.gather(*(client() for _ in range(4)))
    assert most == 2
    async with get_client() as prefect:
        stored = await prefect.read_global_concurrency_limit_by_name("llm slots.test tiny")
    assert stored.limit == 2


async def test_calls_begin_no_faster_than_allowed(server: str) -> None:
    admission = await admission_to(settings("rate", "llm.across_processes.per_second=5"))
    begun = time.monotonic()
    for _ in range(12):
        async with admission():
            pass
    # Five may begin at once, the others wait for theirs: no machine is too fast for that.
    assert time.monotonic() - begun > (12 - 5 - 1) / 5


async def test_without_limits_nobody_is_asked() -> None:
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api"}):
        for free in (settings("free"), load_settings(["llm=simulated"])):
            async with (await admission_to(free))():
                pass


async def test_a_server_that_stays_away_is_named(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RETRY_SECONDS", 0.01)
    admission = await admission_to(settings("gone", "llm.across_processes.concurrency=1"))

    async def unreachable() -> None:
        raise RuntimeError("no slot") from httpx.ConnectError("refused")

    asked = 0

    async def back_soon() -> None:
        nonlocal asked
        asked += 1
        if asked < 3:
            await unreachable()

    await limits._granted(back_soon, patience_seconds=60.0)  # pyright: ignore[reportPrivateUsage]
    assert asked == 3
    with pytest.raises(ServerError, match="gave no turn for 0 s"):
        await limits._granted(unreachable, patience_seconds=0.0)  # pyright: ignore[reportPrivateUsage]
    async with admission():
        pass
