"""Whole runs on Dask and Ray: the same rows as in one process, whatever is killed meanwhile."""

import os
import signal
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Protocol, cast

import psutil
import pytest

from tests.command import Finished
from tests.integration.conftest import SMALL, answers_in
from tests.integration.results import assert_equal_results
from tests.patience import patience, until
from tests.prefect_client import client
from tests.warm import Starter
from warehouse import Warehouse

pytestmark = pytest.mark.slow

Run = Callable[..., Finished]

SPREAD = ("retrain", *SMALL, "seed=7", "engine.shard=2")
QUIET = "execution.granularity=batch"


def query(home: Path, sql: str) -> list[tuple[object, ...]]:
    return Warehouse.open(home / "warehouse.duckdb").query(sql).rows()


def assert_like_undisturbed(undisturbed: Path, home: Path) -> None:
    assert_equal_results(undisturbed, home)
    assert query(home, "SELECT count(*) FROM runs") == [(1,)]
    calls = query(home, "SELECT count(DISTINCT call_id) FROM model_calls WHERE status = 'ok'")
    # Every answer that was paid for belongs to exactly one stored call.
    assert calls == [(answers_in(home / "responses.sqlite"),)]
    assert not list((home / "landing").glob("*"))
    audits = Warehouse.open(home / "warehouse.duckdb").audit()
    assert not [result.name for result in audits if result.rows.height]


class Cluster(Protocol):
    """The part of `distributed.LocalCluster` used here."""

    scheduler_address: str

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def cluster() -> Generator[str, None, None]:
    """The address of a Dask cluster that several runs use one after the other."""
    from distributed import LocalCluster

    # The stubs know neither a cluster outside of a coroutine nor one without dashboards.
    opened = cast("Callable[..., Cluster]", LocalCluster)(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
        worker_dashboard_address=None,
    )
    try:
        yield opened.scheduler_address
    finally:
        opened.close()


@pytest.mark.parametrize("engine", ["dask", "ray"])
def test_an_engine_changes_no_result(
    engine: str,
    undisturbed: Path,
    home: Path,
    lamas: Run,
    prefect_api: str,
    request: pytest.FixtureRequest,
) -> None:
    arguments = [*SPREAD, f"home={home}", f"engine={engine}"]
    if engine == "dask":
        arguments.append(f"engine.address={request.getfixturevalue('cluster')}")
    finished = started(lamas, *arguments)
    assert finished.code == 0, finished.stderr
    assert_like_undisturbed(undisturbed, home)
    # Workers show what they do: every shard and every operator is a task run.
    [(flow_run,)] = query(home, "SELECT prefect_flow_run_id FROM runs")
    shown = task_runs(prefect_api, str(flow_run))
    assert sum(name.endswith((" · lamas", " · generate")) for name in shown) >= 2 * 3
    operators = query(home, "SELECT count(*) FROM operator_invocations")
    assert [(sum("· layer" in name for name in shown),)] == operators


def started(lamas: Run, *arguments: str) -> Finished:
    """A run to its end; Ray gives a new node 30 s, on a busy machine as on an idle one."""
    for _ in range(5):
        try:
            return lamas(*arguments)
        except Exception as error:
            if "timed out during startup" not in str(error):
                raise
    raise AssertionError("Ray did not start")


def task_runs(api: str, flow_run: str) -> list[str]:
    """Names of all task runs below a flow run, once the server has recorded them."""
    counts = [0]
    names: list[str] = []

    def all_recorded() -> bool:
        names.clear()
        parents = [flow_run]
        while parents:
            names.extend(str(item["name"]) for item in found_by(api, "task_runs", "id", parents))
            parents = [
                str(item["id"])
                for item in found_by(api, "flow_runs", "parent_flow_run_id", parents)
            ]
        counts.append(len(names))
        # It records once a second.
        return len(counts) > 4 and names != [] and len(set(counts[-4:])) == 1

    until(all_recorded, every=0.5)
    return names


def found_by(api: str, what: str, key: str, flow_runs: list[str]) -> list[dict[str, object]]:
    """Task runs or flow runs whose flow run's `key` is one of `flow_runs`."""
    found: list[dict[str, object]] = []
    while True:
        page: list[dict[str, object]] = (
            client(api)
            .post(
                f"{what}/filter",
                json={"flow_runs": {key: {"any_": flow_runs}}, "limit": 200, "offset": len(found)},
            )
            .json()
        )
        found += page
        if len(page) < 200:
            return found


@pytest.mark.parametrize("engine", ["dask", "ray"])
def test_a_killed_worker_and_a_killed_run_cost_nothing_but_time(
    engine: str, undisturbed: Path, home: Path, warm: Starter
) -> None:
    slow = "llm.simulated.time_scale=0.05"
    arguments = (*SPREAD, QUIET, f"home={home}", f"engine={engine}", slow)
    process = warm(*arguments)
    process.until(lambda: answers(home) > 3)
    assert listening(process.pid) <= {"127.0.0.1", "::ffff:127.0.0.1"}
    workers(process.pid)[0].send_signal(signal.SIGKILL)
    process.until(lambda: answers(home) > 12)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.ended()
    code, said = warm(*arguments).ended()
    assert code == 0, said
    assert "taken up again" in said
    assert_like_undisturbed(undisturbed, home)
    _, alive = psutil.wait_procs(children, timeout=patience(30.0))
    assert not alive


def workers(pid: int) -> list[psutil.Process]:
    """Processes that run shards, for one main process."""
    found: list[psutil.Process] = []
    for child in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            line = " ".join(child.cmdline())
            if "spawn_main" in line or line.startswith("ray::shard"):
                found.append(child)
    return found


def listening(pid: int) -> set[str]:
    """Addresses on which a process or one of its children accepts connections."""
    found: set[str] = set()
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        # Some live for a moment only.
        with suppress(psutil.NoSuchProcess):
            found |= {
                item.laddr.ip
                for item in process.net_connections(kind="inet")
                if item.status == psutil.CONN_LISTEN
            }
    return found


def answers(home: Path) -> int:
    """Those in the run's store, and those that its workers landed."""
    stores = [home / "responses.sqlite", *home.glob("landing/*/*.sqlite")]
    return sum(answers_in(path) for path in stores)


def test_ctrl_c_stores_what_has_finished(home: Path, warm: Starter) -> None:
    arguments = (*SPREAD, QUIET, f"home={home}", "engine=dask", "llm.simulated.time_scale=0.05")
    process = warm(*arguments)
    process.until(lambda: answers(home) > 8)
    # As a terminal does: to everything in the foreground.
    os.killpg(process.pid, signal.SIGINT)
    code, said = process.ended()
    assert code == 130, said
    assert said.endswith("the same command goes on from there\n")
    assert "Traceback" not in said
    assert query(home, "SELECT status FROM runs") == [("cancelled",)]
    assert not list((home / "landing").glob("*"))


def test_caps_hold_over_all_workers_together(
    undisturbed: Path, home: Path, cluster: str, lamas: Run
) -> None:
    arguments = (*SPREAD, QUIET, f"home={home}", "engine=dask", f"engine.address={cluster}")
    stopped = lamas(*arguments, "llm.max_calls=15")
    assert stopped.code == 1
    assert "llm.max_calls=15 is reached" in stopped.stderr.splitlines()[-1]
    # All of it is spent, although each worker was given a part.
    assert answers_in(home / "responses.sqlite") <= 15
    finished = lamas(*arguments)
    assert finished.code == 0, finished.stderr
    assert_like_undisturbed(undisturbed, home)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("compare", "engine=dask"), "leave engine=local"),
        (("retrain", "engine=dask", "llm.reuse_responses=shared"), "engine=dask spreads them"),
        (("retrain", "engine.address=tcp://127.0.0.1:1"), "add engine=dask or engine=ray"),
        (
            ("retrain", "engine=dask", "engine.address=tcp://127.0.0.1:1"),
            "no dask cluster answers",
        ),
        (("retrain", "engine=ray", "engine.address=127.0.0.1:1"), "no ray cluster answers"),
    ],
)
def test_what_cannot_be_spread_is_one_sentence(
    overrides: tuple[str, ...], said: str, home: Path, lamas: Run
) -> None:
    finished = lamas(*overrides, *SMALL, f"home={home}")
    assert finished.code in (1, 2)
    assert said in finished.stderr.splitlines()[-1], finished.stderr
    assert "Traceback" not in finished.stderr
