"""Whole runs on Dask and Ray: the same rows as in one process, whatever is killed meanwhile."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.command import Finished
from tests.integration.conftest import SMALL, answers_in, start_command
from tests.integration.results import assert_equal_results
from tests.prefect_client import client
from warehouse import Warehouse

Run = Callable[..., Finished]

SPREAD = ("retrain", *SMALL, "seed=7", "engine.shard=4")
QUIET = "execution.granularity=batch"
PATIENCE_SECONDS = 180.0


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


@pytest.mark.parametrize("engine", ["dask", "ray"])
def test_an_engine_changes_no_result(
    engine: str, undisturbed: Path, home: Path, lamas: Run, prefect_api: str
) -> None:
    finished = lamas(*SPREAD, f"home={home}", f"engine={engine}")
    assert finished.code == 0, finished.stderr
    assert_like_undisturbed(undisturbed, home)
    # Workers show what they do: every shard and every operator is a task run.
    [(flow_run,)] = query(home, "SELECT prefect_flow_run_id FROM runs")
    shown = task_runs(prefect_api, str(flow_run))
    assert sum(name.endswith((" · lamas", " · generate")) for name in shown) >= 2 * 3
    operators = query(home, "SELECT count(*) FROM operator_invocations")
    assert [(sum("· layer" in name for name in shown),)] == operators


def task_runs(api: str, flow_run: str) -> list[str]:
    """Names of all task runs below a flow run, once the server has recorded them."""
    names: list[str] = []
    for _ in range(40):
        found = names
        names = []
        parents = [flow_run]
        while parents:
            names += [str(item["name"]) for item in found_by(api, "task_runs", "id", parents)]
            parents = [
                str(item["id"])
                for item in found_by(api, "flow_runs", "parent_flow_run_id", parents)
            ]
        if names and len(found) == len(names):
            return names
        time.sleep(0.5)
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
    engine: str, undisturbed: Path, home: Path, prefect_api: str
) -> None:
    slow = "llm.simulated.time_scale=0.05"
    arguments = (*SPREAD, QUIET, f"home={home}", f"engine={engine}", slow)
    with started(prefect_api, *arguments) as process:
        wait_for_answers(home, process, more_than=5)
        assert listening(process.pid) <= {"127.0.0.1", "::ffff:127.0.0.1"}
        workers(process.pid)[0].send_signal(signal.SIGKILL)
        wait_for_answers(home, process, more_than=25)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_SECONDS)
    with started(prefect_api, *arguments) as process:
        _, stderr = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, stderr
    assert "taken up again" in stderr
    assert_like_undisturbed(undisturbed, home)
    _, alive = psutil.wait_procs(children, timeout=30.0)
    assert not alive


@contextmanager
def started(prefect_api: str, *arguments: str) -> Generator[subprocess.Popen[str], None, None]:
    """`lamas` in a process group of its own, which does not outlive the block."""
    process = start_command(prefect_api, *arguments)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


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


def wait_for_answers(home: Path, process: subprocess.Popen[str], *, more_than: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        stores = [home / "responses.sqlite", *home.glob("landing/*/*.sqlite")]
        if sum(answers_in(path) for path in stores) > more_than:
            return
        time.sleep(0.02)
    raise AssertionError(f"ended with {process.poll()}: {process.communicate()[1]}")


def test_ctrl_c_stores_what_has_finished(undisturbed: Path, home: Path, prefect_api: str) -> None:
    arguments = (*SPREAD, QUIET, f"home={home}", "engine=dask", "llm.simulated.time_scale=0.05")
    with started(prefect_api, *arguments) as process:
        wait_for_answers(home, process, more_than=15)
        # As a terminal does: to everything in the foreground.
        os.killpg(process.pid, signal.SIGINT)
        _, stderr = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130, stderr
    assert stderr.endswith("the same command goes on from there\n")
    assert "Traceback" not in stderr
    assert query(home, "SELECT status FROM runs") == [("cancelled",)]
    assert not list((home / "landing").glob("*"))


def test_caps_hold_over_all_workers_together(undisturbed: Path, home: Path, lamas: Run) -> None:
    arguments = (*SPREAD, QUIET, f"home={home}", "engine=dask")
    stopped = lamas(*arguments, "llm.max_calls=25")
    assert stopped.code == 1
    assert "llm.max_calls=25 is reached" in stopped.stderr.splitlines()[-1]
    # All of it is spent, although each worker was given a part.
    assert answers_in(home / "responses.sqlite") <= 25
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
