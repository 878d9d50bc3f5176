"""A gateway on a small home, in this process: simulated model, two checkpoints, one deployed."""

import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from flows.gateway.access import keys_from
from flows.gateway.opening import Opened, opened_gateway
from flows.settings import Settings
from flows.settings.compose import load_settings
from tests.flows.conftest import TINY
from warehouse import Registry, Warehouse

QUICK = (
    "llm.simulated.in_process=true",
    "gateway.land_seconds=3600",
    "gateway.champion_seconds=3600",
    "gateway.keep_alive_seconds=0.05",
)
QUESTION = {"role": "user", "content": "What is 17 + 25?"}


@dataclass(frozen=True)
class Running:
    """A gateway and a client of it."""

    client: httpx.AsyncClient
    opened: Opened
    settings: Settings

    async def ask(self, **more: object) -> httpx.Response:
        """One chat completion of the champion, unless `more` says otherwise."""
        body = {"model": "lamas", "messages": [QUESTION], **more}
        return await self.client.post("/v1/chat/completions", json=body)

    def warehouse(self) -> Warehouse:
        return Warehouse.open(self.settings.warehouse)


@asynccontextmanager
async def running(home: Path, *overrides: str) -> AsyncGenerator[Running]:
    """A gateway on `home` until the block ends."""
    settings = load_settings([*TINY, *QUICK, f"home={home}", *overrides])
    async with AsyncExitStack() as stack:
        keys = keys_from(settings.gateway)
        opened = await stack.enter_async_context(opened_gateway(settings, keys, lambda text: None))
        client = await stack.enter_async_context(
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=opened.app), base_url="http://127.0.0.1:8080"
            )
        )
        yield Running(client=client, opened=opened, settings=settings)


@pytest.fixture
def home(prepared: Path, tmp_path: Path) -> Path:
    """A home of which the second checkpoint is champion."""
    copied = Path(shutil.copytree(prepared, tmp_path / "home"))
    registry = Registry(Warehouse.open(copied / "warehouse.duckdb"))
    registry.promote(registry.checkpoints()[1].checkpoint_id, evidence={"reason": "a test"})
    return copied


@pytest.fixture(scope="module")
async def shared(
    prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Running]:
    """One gateway for all tests of a file that leave it as it is."""
    copied = Path(shutil.copytree(prepared, tmp_path_factory.mktemp("gateway") / "home"))
    registry = Registry(Warehouse.open(copied / "warehouse.duckdb"))
    registry.promote(registry.checkpoints()[1].checkpoint_id, evidence={"reason": "a test"})
    async with running(copied) as opened:
        yield opened


Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]
