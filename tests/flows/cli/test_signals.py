"""A command that is told to stop in its first seconds ends with a sentence and leaves nothing."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.orchestrator.server import free_port
from tests.command import start
from tests.patience import ended, patience, until
from warehouse import Warehouse
from warehouse.reader import Reader

pytestmark = pytest.mark.slow


def _hears_sigterm(process: subprocess.Popen[str]) -> bool:
    """Whether the process has a handler for SIGTERM by now (Linux)."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def _processes_of(home: Path) -> list[str]:
    """Command lines or environments that name the home folder."""
    found: list[str] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if str(home).encode() in environment + command:
            found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize("seconds", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_in_the_first_seconds_is_clean(
    tmp_path: Path, seconds: float, number: signal.Signals
) -> None:
    home = tmp_path / "home"
    process = start("retrain", "llm=simulated", f"home={home}", env={"PREFECT_API_URL": ""})
    until(lambda: _hears_sigterm(process), every=0.01)
    time.sleep(seconds)
    process.send_signal(number)
    _, stderr = ended(process)
    # Where the signal met the import of an extension, Python ends the process by SIGINT once the
    # command has returned: 130 to a shell, too.
    assert process.returncode in (130, -signal.SIGINT), stderr
    assert stderr.endswith("the same command goes on from there\n")
    assert "Traceback" not in stderr
    _all_end(home)


def _all_end(home: Path) -> None:
    """Wait until no process names the home folder."""
    try:
        until(lambda: not _processes_of(home), every=0.1)
    except AssertionError:
        raise AssertionError(_processes_of(home)) from None


def _running(path: Path) -> bool:
    return path.exists() and any(
        run.status == "running" for run in Reader(Warehouse.open(path)).runs()
    )


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_ctrl_c_at_the_terminal_of_lamas_serve_stores_pauses_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    """Ctrl-C reaches the whole group of the terminal: server, runs and all."""
    home, log = tmp_path / "home", tmp_path / "serve.log"
    arguments = (
        "serve",
        "llm=simulated",
        "llm.simulated.time_scale=0.5",
        "learner=reinforce",
        "benchmark.size=20",
        "training.problems_per_step=2",
        f"home={home}",
        f"prefect.port={free_port()}",
        "deployment.retrain.every_seconds=5",
        "deployment.evaluate.cron=null",
        "deployment.poll_seconds=1",
    )
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows", *arguments],
            env={**os.environ, "PREFECT_API_URL": ""},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        # Answers are paid for: a retrain is in the middle of its first step.
        until((home / "responses.sqlite").exists)
        assert _running(home / "warehouse.duckdb")
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=patience(120)) == 130, log.read_text()
    finally:
        process.kill()
    text = log.read_text()
    assert "schedules are paused" in text
    assert "the same command goes on from there" in text
    _all_end(home)
    (run,) = Reader(Warehouse.open(home / "warehouse.duckdb")).runs()
    assert (run.status, run.error) == ("cancelled", "stopped from outside")
    with sqlite3.connect(home / "prefect" / "prefect.db") as database:
        assert database.execute("SELECT DISTINCT paused FROM deployment").fetchall() == [(1,)]


def test_a_command_without_a_run_ends_with_the_same_sentence(tmp_path: Path) -> None:
    """`lamas ui` stands for those that start a server; it leaves none."""
    home = tmp_path / "home"
    process = start(
        "ui", f"home={home}", f"prefect.port={free_port()}", env={"PREFECT_API_URL": ""}
    )
    try:
        until((home / "prefect" / "server.json").exists)
        process.send_signal(signal.SIGTERM)
        _, stderr = ended(process)
    finally:
        process.kill()
    assert "Traceback" not in stderr
    assert not (home / "prefect" / "server.json").exists()
    _all_end(home)
