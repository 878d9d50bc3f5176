"""A gateway with keys beside a run that holds the home: who may ask, and who stores the answers."""

import asyncio
import os
import signal
from pathlib import Path

import httpx
import pytest

from flows.gateway.lander import Place
from flows.gateway.landing import Landing
from flows.home.intake import landed_by_gateways, served_folder
from flows.home.lock import writer_lock
from flows.run.opening import session
from lamas.errors import WarehouseError
from lamas.llm.simulated import SimulatedServer
from tests.factories import make_run
from tests.flows.conftest import TINY
from tests.flows.gateway.conftest import running
from tests.kills.processes import children
from tests.patience import soon
from warehouse import Warehouse

pytestmark = pytest.mark.slow

TOKEN = "alices-token-0123456789"


def landers() -> list[int]:
    """Processes of gateways in this process that land what was answered."""
    running_now = (item for item in children(os.getpid()) if item.state != "Z")
    return [item.pid for item in running_now if "flows.gateway.lander" in item.command]


async def test_answers_wait_for_the_run_that_holds_the_home(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAMAS_GATEWAY_KEYS", f"alice {TOKEN} requests_per_minute=2")
    with writer_lock(home):
        async with running(home) as gateway:
            for header in ({}, {"authorization": "Bearer of-bad-news-0123456789"}):
                gateway.client.headers = header
                for response in (await gateway.ask(), await gateway.client.get("/metrics")):
                    assert response.status_code == 401
                    assert response.json()["error"]["code"] == "invalid_api_key"
                assert (await gateway.client.get("/healthz/ready")).status_code == 200
            gateway.client.headers = {"authorization": f"Bearer {TOKEN}"}
            statuses = [(await gateway.ask()).status_code for _ in range(3)]
            assert statuses == [200, 200, 429]
            refused = await gateway.ask()
            assert int(refused.headers["retry-after"]) >= 1
            figures = (await gateway.client.get("/live/figures")).json()
            assert list(figures["spent_today"]) == ["alice"]
        warehouse = gateway.warehouse()
        assert warehouse.query("FROM served_requests").height == 0
        assert len(landed_by_gateways(served_folder(home))) == 1
    async with session("prepare", [*TINY, f"home={home}", "controller=paper"]):
        found = warehouse.query("SELECT client, status FROM served_requests").to_dicts()
        assert found == [{"client": "alice", "status": 200}] * 2
    assert landed_by_gateways(served_folder(home)) == ()
    assert [result.name for result in warehouse.audit() if result.rows.height] == []


async def test_who_lands_the_answers_may_be_killed_and_leaves_with_the_gateway(home: Path) -> None:
    async with running(home, "gateway.land_seconds=0.05") as gateway:
        for _ in range(2):
            assert (await gateway.ask()).status_code == 200
            await soon(landers)
            os.kill(landers()[0], signal.SIGKILL)
    assert landers() == []
    warehouse = gateway.warehouse()
    assert warehouse.query("FROM served_requests").height == 2
    assert warehouse.query("SELECT status FROM runs WHERE kind = 'serve'").rows() == [
        ("completed",)
    ]
    assert landed_by_gateways(served_folder(home)) == ()


async def test_an_order_that_cannot_be_carried_out_says_why(home: Path) -> None:
    said: list[str] = []
    place = Place(
        home=home,
        warehouse=home / "warehouse.duckdb",
        warehouse_wait_seconds=1.0,
        encoder="float32",
    )
    landing = Landing(place, Warehouse.open(place.warehouse), said.append)
    damaged = served_folder(home) / "serve-1.000001.journal"
    damaged.parent.mkdir(parents=True)
    damaged.write_text("no run\n\n")
    with pytest.raises(WarehouseError, match="is damaged"):
        await landing.land(damaged, make_run("serve-1"))
    # Given up in the middle, it is done all the same, and its answer is nobody else's.
    given_up = asyncio.ensure_future(landing.take_in())
    await asyncio.sleep(0)
    given_up.cancel()
    await landing.land(damaged.with_name("gone.journal"), make_run("serve-1"))
    await landing.close()
    assert damaged.exists()


async def test_modules_of_the_folder_it_is_started_in_are_not_taken(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("duckdb", "polars", "pydantic", "uvicorn"):
        (tmp_path / f"{name}.py").write_text("from pathlib import Path\nPath('taken').touch()\n")
    monkeypatch.chdir(tmp_path)
    async with running(home) as gateway:
        assert (await gateway.ask()).status_code == 200
    assert gateway.warehouse().query("FROM served_requests").height == 1
    with SimulatedServer() as server:
        async with httpx.AsyncClient() as client:
            assert (await client.get(server.base_url)).status_code < 500
    assert not (tmp_path / "taken").exists()
