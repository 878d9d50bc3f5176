"""What `lamas deploy` and `prefect deploy` register is run by a real Prefect worker."""

import os
import sys
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import cast

import httpx
import pytest

from flows.orchestrator.server import prefect_server
from tests.command import start
from tests.integration.conftest import QUIET, TINY
from tests.patience import ended, ran, until
from tests.prefect_client import client, opened_by_all
from warehouse import Warehouse

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
RETRAIN = (
    *TINY,
    *QUIET,
    "deployment.retrain.cron=null",
    "deployment.evaluate.cron=null",
)

Row = dict[str, object]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Generator[str, None, None]:
    """A server of its own: its deployments and pools are nobody else's."""
    before = dict(os.environ)
    os.environ.pop("PREFECT_API_URL", None)
    home = opened_by_all(tmp_path_factory.mktemp("pool"))
    with prefect_server(home, port=0) as server:
        os.environ.clear()
        os.environ.update(before)
        yield server.api_url


def test_a_worker_runs_what_lamas_deploy_registered(api: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    deployed = start("deploy", *RETRAIN, f"home={home}", env={"PREFECT_API_URL": api})
    stdout, stderr = ended(deployed)
    assert deployed.returncode == 0, stderr
    assert "made work pool lamas of type process" in stdout
    assert "deployed retrain/lamas" in stdout

    run = asked_for(api, "retrain")
    log = worker_runs_one(api, tmp_path)
    state = finished(api, run)
    assert state["type"] == "COMPLETED", (state, log)
    rows = Warehouse.open(home / "warehouse.duckdb").query(
        "SELECT kind, status, prefect_flow_run_id FROM runs"
    )
    assert rows.rows() == [("retrain", "completed", run)]
    # with_report: the run ended with its report.
    assert list((home / "reports").glob("*.html"))


def test_prefect_yaml_registers_all_with_prefects_own_command(api: str) -> None:
    deployed = ran(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"],
        cwd=ROOT,
        env={**os.environ, "PREFECT_API_URL": api, "LAMAS_FOLDER": str(ROOT)},
    )
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    for flow in ("retrain", "evaluate", "report", "judge"):
        found = client(api).get(f"deployments/name/{flow}/lamas").json()
        assert found["work_pool_name"] == "lamas"
        assert str(found["entrypoint"]).startswith("flows/")


def asked_for(api: str, flow: str) -> str:
    """A new run of a deployment."""
    deployment = client(api).get(f"deployments/name/{flow}/lamas").json()
    made = client(api).post(f"deployments/{deployment['id']}/create_flow_run", json={})
    made.raise_for_status()
    return str(made.json()["id"])


def worker_runs_one(api: str, folder: Path) -> str:
    """Let a worker take what is due, once; returns what it printed."""
    worker = ran(
        [
            *(sys.executable, "-m", "prefect", "worker", "start"),
            *("--pool", "lamas", "--run-once"),
        ],
        cwd=folder,
        env={**os.environ, "PREFECT_API_URL": api},
    )
    return worker.stdout + worker.stderr


def finished(api: str, run: str) -> Row:
    """The state in which the run ended."""

    def look() -> Row | None:
        with suppress(httpx.TransportError):
            state = cast("Row", client(api).get(f"flow_runs/{run}").json()["state"])
            if state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
                return state
        return None

    state = until(look, every=0.3)
    assert state is not None
    return state
