"""What goes wrong around a run: each fault ends in one sentence, or the run recovers by itself."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pytest

from flows.orchestrator.access import auth_string
from flows.orchestrator.server import free_port, kept_open
from lamas.domain import clock
from tests.command import Finished, run_here, start
from tests.integration.conftest import QUIET, SMALL, TINY, answers_in
from tests.kills.processes import children
from tests.llm.scripted_endpoint import ScriptedEndpoint, says
from tests.patience import ended, ran, until
from tests.warm import Starter
from warehouse import Registry, Warehouse
from warehouse.reader import Reader

pytestmark = pytest.mark.slow

Run = Callable[..., Finished]

AUDITS = len(list(Path("warehouse/audits").glob("*.sql")))


def warehouse_of(home: Path) -> Warehouse:
    return Warehouse.open(home / "warehouse.duckdb")


def assert_sound(home: Path, *, runs: Sequence[str]) -> None:
    """Every audit is clean, and the runs have these states, the earliest first."""
    warehouse = warehouse_of(home)
    assert [item.name for item in warehouse.audit() if item.rows.height] == []
    assert [run.status for run in Reader(warehouse).runs()] == list(runs)


def assert_sentence(stderr: str, *words: str) -> None:
    """The last line is the command's own, holds `words`, and there is no traceback."""
    last = stderr.splitlines()[-1]
    assert last.startswith("lamas: "), stderr
    for word in words:
        assert word in last, last
    assert "Traceback" not in stderr


IN_A_READ_ONLY_MOUNT = """
mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 77
shift
exec "$@"
"""


def read_only(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command where the home folder is mounted read-only: that stops root too."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    own_mounts = ("unshare", "--user", "--map-root-user", "--mount")
    lamas = [sys.executable, "-m", "flows", *arguments, f"home={home}"]
    done = ran(
        [*own_mounts, "sh", "-c", IN_A_READ_ONLY_MOUNT, "sh", str(home), *lamas],
        env={**os.environ, "PREFECT_API_URL": ""},
    )
    if done.returncode == 77 or "unshare failed" in done.stderr:
        pytest.skip(f"no mounts of one's own here: {done.stderr.strip()}")
    return done


def test_a_read_only_file_system_is_a_sentence_for_writers_and_nothing_to_readers(
    trained: Path,
) -> None:
    refused = read_only(trained, "retrain", *TINY)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert_sentence(refused.stderr, str(trained), "Read-only file system", "home=…")
    asked = read_only(trained, "sql", "SELECT count(*) AS n FROM rollouts")
    assert (asked.returncode, asked.stdout.split()[0]) == (0, "n"), asked.stderr


ON_A_SMALL_DISK = """
mount -t tmpfs -o "size=$1" tmpfs "$2" || exit 77
home=$2
shift 2
"$@"; echo "exit code $?" >&2
mount -o remount,size=400m "$home"
"$@"; echo "exit code $?" >&2
"$0" -m flows audit "home=$home"
"""


def test_a_disk_that_is_full_in_mid_run_is_a_sentence_and_with_room_the_run_goes_on(
    prefect_api: str, tmp_path: Path
) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    home, probe = tmp_path / "home", tmp_path / "probe.duckdb"
    home.mkdir()
    Warehouse.open(probe, create=True)
    # Room for the empty warehouse and the first answers, not for a step.
    size = str(probe.stat().st_size + 900_000)
    lamas = [sys.executable, "-m", "flows", "retrain", *SMALL, *QUIET, f"home={home}"]
    own_mounts = ("unshare", "--user", "--map-root-user", "--mount")
    done = ran(
        [*own_mounts, "sh", "-c", ON_A_SMALL_DISK, sys.executable, size, str(home), *lamas],
        seconds=480.0,
        env={**os.environ, "PREFECT_API_URL": prefect_api},
    )
    if done.returncode == 77 or "unshare failed" in done.stderr:
        pytest.skip(f"no mounts of one's own here: {done.stderr.strip()}")
    first, second, _ = done.stderr.split("exit code ")
    assert second.startswith("1\n"), done.stderr
    assert_sentence(first)
    assert "No space left on device" in first or "disk is full" in first
    assert done.stderr.endswith("exit code 0\n"), done.stderr
    assert "taken up again" in second
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0,
        f"{AUDITS} audits, 0 with findings",
    )


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_warehouse_that_becomes_read_only_in_mid_run_is_a_sentence_and_can_be_gone_on_with(
    warm: Starter, tmp_path: Path, frozen: Callable[[Path, bool], None], what: str, lamas: Run
) -> None:
    home = tmp_path / "home"
    arguments = ("retrain", *TINY, "llm.simulated.time_scale=0.3", f"home={home}")
    process = warm(*arguments)
    process.until(lambda: (home / "responses.sqlite").exists())
    # In a folder that takes no new file, neither the log beside the warehouse nor that beside the
    # answers can be made: whoever meets it first says so.
    target = home / "warehouse.duckdb" if what == "file" else home
    frozen(target, True)
    try:
        code, said = process.ended()
    finally:
        frozen(target, False)
    assert code == 1, said
    assert_sentence(said, str(home), "cannot be written")
    finished = lamas(*arguments)
    assert finished.code == 0, finished.stderr
    assert_sound(home, runs=["completed"])


def truncated(path: Path, other: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flipped(path: Path, other: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def anothers(path: Path, other: Path) -> None:
    shutil.copy(other, path)


@pytest.mark.parametrize(
    ("damage", "word"),
    [(truncated, "damaged"), (flipped, "digest"), (anothers, "another one's file")],
)
def test_a_corrupted_champion_is_a_sentence_wherever_it_is_needed(
    trained: Path, tmp_path: Path, damage: Callable[[Path, Path], None], word: str
) -> None:
    home = tmp_path / "home"
    shutil.copytree(trained, home, ignore=shutil.ignore_patterns("prefect"))
    registry = Registry(warehouse_of(home))
    champion = registry.champion()
    assert champion is not None
    other = next(item for item in registry.checkpoints() if item != champion)
    damage(home / champion.path, home / other.path)
    # None of them gets as far as a Prefect server.
    for command in (
        ("retrain", "training.start_from=champion"),
        ("evaluate", "checkpoint=champion"),
        ("ask", "What is 17 + 25?", "checkpoint=champion"),
    ):
        refused = run_here(*command, *TINY, f"home={home}")
        assert refused.code == 1
        assert refused.stderr.count("\n") == 1
        assert_sentence(refused.stderr, champion.path, word)


def test_a_retrain_from_scratch_does_without_a_corrupted_champion(
    trained: Path, tmp_path: Path, lamas: Run
) -> None:
    home = tmp_path / "home"
    shutil.copytree(trained, home)
    champion = Registry(warehouse_of(home)).champion()
    assert champion is not None
    (home / champion.path).write_bytes(b"")
    finished = lamas("retrain", *TINY, *QUIET, "seed=1", f"home={home}")
    assert finished.code == 0, finished.stderr
    assert "the champion cannot be compared" in finished.stderr
    assert_sound(home, runs=["completed", "completed"])


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_half_written_parquet_file_of_a_benchmark_is_a_sentence(
    tmp_path: Path, share: float
) -> None:
    path, home = tmp_path / "sums.parquet", tmp_path / "home"
    rows = {"question": [f"{n} + 1?" for n in range(500)], "answer": list(range(1, 501))}
    pl.DataFrame(rows).write_parquet(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    options = ("llm=simulated", "benchmark=file", f"benchmark.path={path}", f"home={home}")
    for command in ("prepare", "retrain"):
        refused = run_here(command, *options)
        assert refused.code == 1
        assert refused.stderr.count("\n") == 1
        assert_sentence(refused.stderr, str(path))
    assert not (home / "warehouse.duckdb").exists()


def server_of(process: subprocess.Popen[str]) -> int | None:
    """Process id of the Prefect server that a command started for itself."""
    found = [
        item.pid for item in children(process.pid) if "flows.orchestrator.guarded" in item.command
    ]
    return found[0] if found else None


def test_a_run_outlives_its_prefect_server_stopped_for_a_while_and_then_killed(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    process = start(
        "retrain",
        *TINY,
        "llm.simulated.time_scale=0.5",
        f"home={home}",
        env={"PREFECT_API_URL": ""},
    )
    # The first answer: rollouts and their task runs are in flight.
    until((home / "responses.sqlite").exists, process=process)
    first = server_of(process)
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    time.sleep(4.0)
    os.kill(first, signal.SIGCONT)
    os.kill(first, signal.SIGKILL)
    until(lambda: server_of(process) not in (None, first), process=process)
    second = server_of(process)
    _, stderr = ended(process)
    assert process.returncode == 0, stderr
    assert "the Prefect server ended (code -9): starting it again" in stderr
    assert "Traceback" not in stderr
    assert_sound(home, runs=["completed"])
    assert second is not None
    assert not Path(f"/proc/{second}").exists()


def test_a_run_whose_prefect_server_is_gone_for_good_ends_with_a_sentence(tmp_path: Path) -> None:
    others, home = tmp_path / "others", tmp_path / "home"
    ui = start("ui", f"home={others}", f"prefect.port={free_port()}", env={"PREFECT_API_URL": ""})
    try:
        until(lambda: kept_open(others / "prefect"), process=ui)
        server = kept_open(others / "prefect")
        assert server is not None
        process = start(
            "retrain",
            *TINY,
            "llm.simulated.time_scale=0.1",
            f"home={home}",
            # Four seconds of patience for a request instead of a minute.
            env={
                "PREFECT_API_URL": server.api_url,
                "PREFECT_API_AUTH_STRING": auth_string(others / "prefect"),
                "PREFECT_CLIENT_MAX_RETRIES": "1",
            },
        )
        until((home / "responses.sqlite").exists, process=process)
    finally:
        # Its server ends with it.
        ui.kill()
        ui.communicate()
    _, stderr = ended(process)
    assert process.returncode == 1, stderr
    assert f"lamas: the Prefect server at {server.api_url} is gone" in stderr
    assert "Traceback" not in stderr
    assert_sound(home, runs=["failed"])
    # The rollouts that were in flight went on without it.
    assert warehouse_of(home).query("SELECT count(*) FROM rollouts").item() == 4


def test_a_run_waits_for_a_model_endpoint_that_is_gone_for_a_while(
    warm: Starter, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    answer = says("It is \\boxed{4}.", after=0.05)
    arguments = (
        "retrain",
        "llm=endpoint",
        "llm.model=tiny",
        "llm.stream=false",
        "llm.concurrency=2",
        *TINY[1:],
        f"home={home}",
    )
    with ScriptedEndpoint(answer) as endpoint:
        port, url = endpoint.port, f"llm.base_url={endpoint.base_url}"
        process = warm(*arguments, url)
        process.until(lambda: answers_in(home / "responses.sqlite") > 0)
    process.until(lambda: "cannot be reached" in process.said())
    with ScriptedEndpoint(answer, port=port):
        code, said = process.ended()
    assert code == 0, said
    assert "is back after" in said
    warehouse = warehouse_of(home)
    assert warehouse.query("FROM rollouts WHERE status <> 'ok'").is_empty()
    # Who was cut off in mid-answer asked again; tries without a connection are no attempts.
    attempts = warehouse.query("SELECT coalesce(max(attempt), 0) FROM model_calls").item()
    assert attempts <= 2
    assert_sound(home, runs=["completed"])


def test_an_endpoint_that_stays_away_ends_the_run_with_a_sentence(
    warm: Starter, tmp_path: Path, lamas: Run
) -> None:
    home = tmp_path / "home"
    answer = says("It is \\boxed{4}.", after=0.05)
    arguments = ("retrain", "llm=endpoint", "llm.model=tiny", "llm.stream=false", *TINY[1:])
    with ScriptedEndpoint(answer) as endpoint:
        port, url = endpoint.port, f"llm.base_url={endpoint.base_url}"
        process = warm(
            *arguments,
            url,
            f"home={home}",
            "llm.concurrency=1",
            "llm.retry.outage_seconds=1",
        )
        process.until(lambda: answers_in(home / "responses.sqlite") > 0)
    code, said = process.ended()
    assert code == 1, said
    assert_sentence(said, "rollouts failed", "llm.retry.outage_seconds", "same command again")
    assert_sound(home, runs=["failed"])
    with ScriptedEndpoint(answer, port=port):
        finished = lamas(*arguments, url, f"home={home}")
    assert finished.code == 0, finished.stderr
    assert_sound(home, runs=["completed"])


class SetBack:
    """`time` as the clock of this process reads it after the system's was set back."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def time(self) -> float:
        return time.time() - self._seconds

    def perf_counter(self) -> float:
        return time.perf_counter()


def test_a_clock_set_back_between_two_parts_of_a_run_changes_no_order(
    tmp_path: Path, lamas: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    arguments = ("retrain", *SMALL, *QUIET, "seed=7", f"home={home}")
    # The first step and a part of the second.
    stopped = lamas(*arguments, "llm.max_calls=40")
    assert stopped.code == 1
    before = warehouse_of(home).query("SELECT max(ended_at) FROM rollouts").item()
    monkeypatch.setattr(clock, "time", SetBack(3600.0))
    finished = lamas(*arguments)
    assert finished.code == 0, finished.stderr
    assert "the system clock is 60 min behind" in finished.stderr
    assert_sound(home, runs=["completed"])
    warehouse = warehouse_of(home)
    later = warehouse.query("SELECT min(started_at) FROM rollouts WHERE purpose = 'evaluate'")
    assert later.item() > before
    assert warehouse.query("SELECT step FROM updates ORDER BY step").rows() == [(1,), (2,)]
    # A new run is the latest one also by time: `lamas report` and `run=…` go by it.
    again = lamas("retrain", *SMALL, *QUIET, "seed=8", f"home={home}")
    assert again.code == 0, again.stderr
    runs = Reader(warehouse).runs()
    assert [run.seed for run in runs] == [7, 8]
    assert all(run.ended_at is not None and run.ended_at >= run.started_at for run in runs)
    latest = Registry(warehouse).checkpoints()[-1]
    assert latest.run_id == runs[-1].run_id


def test_a_clock_set_back_in_mid_run_is_not_even_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    running = clock.Clock()
    first = running.now()
    monkeypatch.setattr(clock, "time", SetBack(3600.0))
    assert running.now() >= first
    fresh = clock.Clock()
    assert fresh.now() < first
    assert clock.Clock(not_before=first).now() >= first


def test_a_response_store_that_is_no_database_is_a_sentence(
    trained: Path, tmp_path: Path, lamas: Run
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "responses.sqlite").write_bytes(b"no database at all\n" * 300)
    finished = lamas("retrain", *TINY, *QUIET, f"home={home}")
    assert finished.code != 0
    assert_sentence(finished.stderr, str(home / "responses.sqlite"), "move this one away")
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(home / "responses.sqlite").execute("SELECT 1 FROM responses")
