"""Unattended operation against a real Prefect server: served schedules, pausing, stopping."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import TypeVar, cast

import httpx
import pytest

from flows.orchestrator.access import auth_string
from flows.orchestrator.server import answers, free_port, kept_open
from tests.integration.conftest import QUIET, TINY
from tests.kills.processes import children
from tests.patience import Patience, patience
from tests.prefect_client import client
from warehouse import Registry, Warehouse

pytestmark = pytest.mark.slow

Row = dict[str, object]
Found = TypeVar("Found")

RETRAIN = (*TINY, *QUIET)


class Served:
    """A home folder whose schedules a `lamas serve` process runs."""

    def __init__(self, process: subprocess.Popen[bytes], home: Path, log: Path) -> None:
        self.process = process
        self.home = home
        self.log = log
        self.api = self.wait_for(lambda: kept_open(home / "prefect")).api_url
        self.client = client(self.api, auth_string(home / "prefect"))
        self.wait_for(lambda: self.client.get("deployments/name/retrain/lamas").is_success)

    def wait_for(self, look: Callable[[], Found | None]) -> Found:
        """What `look` finds, as soon as it finds something."""
        waiting = Patience(300.0)
        while waiting.left > 0:
            # A busy machine's server answers late.
            with suppress(httpx.TransportError):
                found = look()
                if found:
                    return found
            if self.process.poll() is not None:
                raise AssertionError(self.log.read_text())
            time.sleep(0.3)
        raise AssertionError("waited in vain")

    def rows(self, what: str, **conditions: object) -> list[Row]:
        """Rows of the API."""
        response = self.client.post(f"{what}/filter", json=conditions)
        response.raise_for_status()
        return cast("list[Row]", response.json())

    def deployment(self, name: str = "retrain") -> Row:
        """The deployment of a flow."""
        response = self.client.get(f"deployments/name/{name}/lamas")
        response.raise_for_status()
        return cast("Row", response.json())

    def runs(self, *states: str) -> list[Row]:
        """Runs of the retrain deployment in one of `states`, the earliest first."""
        return self.rows(
            "flow_runs",
            flow_runs={
                "deployment_id": {"any_": [self.deployment()["id"]]},
                "state": {"type": {"any_": list(states)}},
            },
            sort="START_TIME_ASC",
        )

    def artifacts(self, run: Row) -> dict[str, list[Row]]:
        """Artifacts of a run and of the flows it called, by type and by key."""
        tasks = self.rows("task_runs", task_runs={"flow_run_id": {"any_": [run["id"]]}})
        children = self.rows(
            "flow_runs",
            flow_runs={"parent_task_run_id": {"any_": [task["id"] for task in tasks]}},
        )
        found = self.rows(
            "artifacts",
            artifacts={"flow_run_id": {"any_": [run["id"], *(item["id"] for item in children)]}},
        )
        named: dict[str, list[Row]] = {}
        for item in found:
            named.setdefault(str(item["key"] or item["type"]), []).append(item)
        return named


@contextmanager
def serving(home: Path, *arguments: str) -> Generator[Served, None, None]:
    """`lamas serve` with a retrain every fifteen seconds, started by one command."""
    log = home.parent / "serve.log"
    line = (
        "serve",
        *arguments,
        f"home={home}",
        f"prefect.port={free_port()}",
        "deployment.retrain.every_seconds=15",
        "deployment.evaluate.cron=null",
        "deployment.poll_seconds=1",
    )
    # Not pipes, which nobody reads meanwhile.
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "flows", *line],
            env={**os.environ, "PREFECT_API_URL": ""},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield Served(process, home, log)
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served, None, None]:
    """A served home, which retrains every fifteen seconds."""
    with serving(tmp_path_factory.mktemp("served") / "home", *RETRAIN) as found:
        yield found


def test_three_retrains_in_a_row_run_unattended_and_are_all_visible(served: Served) -> None:
    done = served.wait_for(lambda: _three(served.runs("COMPLETED", "FAILED", "CRASHED")))
    assert {run["state_type"] for run in done} == {"COMPLETED"}, done
    for run in done:
        assert run["name"] == "retrain · generated · lamas · seed 0"
        assert set(cast("list[str]", run["tags"])) >= {"generated", "lamas", "simulated"}
        artifacts = served.artifacts(run)
        assert set(artifacts) >= {"progress", "evaluation", "promotion", "figures", "report"}
        assert all(item["data"] == 100.0 for item in artifacts["progress"])
        (decision,) = artifacts["promotion"]
        assert "omoted: " in str(decision["data"]) or "Nothing to decide" in str(decision["data"])
    _assert_the_champion_changed_only_by_the_rule(served.home)
    # One after the other: the writers never overlap.
    times = [(str(run["start_time"]), str(run["end_time"])) for run in done]
    assert all(first[1] <= second[0] for first, second in pairwise(times))


def _three(runs: Sequence[Row]) -> Sequence[Row]:
    return runs[:3] if len(runs) >= 3 else []


def test_a_killed_run_is_taken_up_by_the_next_one(served: Served) -> None:
    warehouse = Warehouse.open(served.home / "warehouse.duckdb")
    begun = "SELECT run_id FROM runs ANTI JOIN rollouts USING (run_id) WHERE status = 'running'"
    (run_id,) = served.wait_for(lambda: warehouse.query(begun)["run_id"].to_list())
    for process in children(served.process.pid):
        if "prefect.engine" in process.command:
            os.kill(process.pid, signal.SIGKILL)
    status = f"SELECT status FROM runs WHERE run_id = '{run_id}'"
    served.wait_for(lambda: warehouse.query(status).item() == "completed")
    assert f"run {run_id} (taken up again)" in served.log.read_text()
    assert served.wait_for(lambda: served.runs("CRASHED"))
    assert not any(result.rows.height for result in warehouse.audit())


def test_a_paused_schedule_starts_nothing_and_a_resumed_one_goes_on(served: Served) -> None:
    address = f"deployments/{served.deployment()['id']}"
    served.client.post(f"{address}/pause_deployment").raise_for_status()
    assert served.deployment()["paused"] is True
    # What waits for its turn still gets it; what was scheduled ahead is gone.
    served.wait_for(lambda: not served.runs("RUNNING", "PENDING", "SCHEDULED"))
    served.client.post(f"{address}/resume_deployment").raise_for_status()
    served.wait_for(lambda: served.runs("SCHEDULED", "PENDING", "RUNNING"))


def test_a_stopped_serve_leaves_nothing_running_and_its_schedules_paused(served: Served) -> None:
    """Runs last: it ends what the others use, while a retrain is in progress."""
    running = served.wait_for(lambda: served.runs("RUNNING"))
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(timeout=patience(120)) == 130
    assert "schedules are paused" in served.log.read_text()
    assert not answers(served.api)
    assert kept_open(served.home / "prefect") is None
    with sqlite3.connect(served.home / "prefect" / "prefect.db") as database:
        paused = database.execute("SELECT DISTINCT paused FROM deployment").fetchall()
        states = database.execute(
            "SELECT state_type FROM flow_run WHERE replace(id, '-', '') = ?",
            [str(running[0]["id"]).replace("-", "")],
        ).fetchall()
    assert paused == [(1,)]
    assert states in ([("CANCELLED",)], [("COMPLETED",)])
    path = served.home / "warehouse.duckdb"
    # Run by itself, this test stops the first retrain before anything is stored.
    if path.exists():
        warehouse = Warehouse.open(path)
        assert warehouse.query("FROM runs WHERE status = 'running'").is_empty()
        assert not any(result.rows.height for result in warehouse.audit())


def _assert_the_champion_changed_only_by_the_rule(home: Path) -> None:
    warehouse = Warehouse.open(home / "warehouse.duckdb")
    runs = warehouse.query("FROM runs WHERE kind = 'retrain' AND status = 'completed'")
    assert runs.height >= 3
    assert runs["prefect_flow_run_id"].n_unique() == runs.height
    champion: str | None = None
    for decision in Registry(warehouse).promotions():
        evidence = cast("Row", json.loads(decision.evidence))
        rule_holds = bool(evidence["holds"])
        assert (decision.decision == "promoted") is rule_holds
        assert decision.previous_checkpoint_id == champion
        if rule_holds:
            champion = decision.checkpoint_id
    found = Registry(warehouse).champion()
    assert (found.checkpoint_id if found else None) == champion
