"""A gateway with keys beside a run that holds the home: who may ask, and who stores the answers."""

from pathlib import Path

import pytest

from flows.home.intake import landed_by_gateways, served_folder
from flows.home.lock import writer_lock
from flows.run.opening import session
from tests.flows.conftest import TINY
from tests.flows.gateway.conftest import running

TOKEN = "alices-token-0123456789"


@pytest.mark.slow
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
