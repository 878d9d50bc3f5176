"""A home in one file and back; damaged backups, and what is never overwritten."""

import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lamas.domain import ModelCall
from lamas.llm import ResponseStore
from tests.command import Finished, run_here
from tests.factories import make_call, make_checkpoint, make_problem, make_run
from tests.naive import naive_labels
from tests.random_rollouts import random_rollouts
from warehouse import Warehouse
from warehouse.writer import Writer

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with a run, two checkpoint files and a paid response."""
    home = tmp_path / "home"
    warehouse = Warehouse.open(home / "warehouse.duckdb", create=True)
    writer = Writer(warehouse)
    writer.add_run(make_run())
    problems = [make_problem(index) for index in range(2)]
    writer.add_problems(problems, np.zeros((2, 384), np.float32))
    (home / "checkpoints").mkdir()
    for step in range(2):
        checkpoint = make_checkpoint(step)
        writer.add_checkpoint(checkpoint)
        (home / checkpoint.path).write_bytes(bytes([step]) * 1000)
    writer.add_rollouts([(item, naive_labels(item.trace)) for item in random_rollouts(10)])
    with ResponseStore(home / "responses.sqlite", run_id="run-1") as store:
        store.put("what-was-paid", (make_call(10),))
    return home


def lamas(*arguments: str | Path, home: Path) -> Finished:
    return run_here(*map(str, arguments), f"home={home}")


def test_a_restored_home_is_the_same(home: Path, tmp_path: Path) -> None:
    file, other = tmp_path / "backup.tar", tmp_path / "other"
    made = lamas("backup", file, home=home)
    assert (made.code, made.stderr) == (0, "")
    restored = lamas("restore", file, home=other)
    assert restored.code == 0, restored.stderr
    assert "0 with findings" in restored.stdout
    assert (
        Warehouse.open(other / "warehouse.duckdb")
        .query("FROM rollouts ORDER BY ALL")
        .equals(Warehouse.open(home / "warehouse.duckdb").query("FROM rollouts ORDER BY ALL"))
    )
    assert (other / "checkpoints/lamas-1.pt").read_bytes() == bytes([1]) * 1000
    with ResponseStore(other / "responses.sqlite") as store:
        assert store.get("what-was-paid") is not None
    assert not list(tmp_path.glob(".*"))
    again = lamas("restore", file, home=other)
    assert again.code != 0
    assert "not overwritten" in again.stderr


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-20_000] ^= 0xFF
    file.write_bytes(content)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def other_archive(file: Path) -> None:
    file.unlink()
    with tarfile.open(file, "w") as archive:
        archive.add(__file__, arcname="something")


@pytest.mark.parametrize("damage", [cut, flip, empty, other_archive])
def test_a_damaged_backup_ends_in_a_sentence(
    home: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    file, other = tmp_path / "backup.tar", tmp_path / "other"
    assert lamas("backup", file, home=home).code == 0
    damage(file)
    done = lamas("restore", file, home=other)
    assert done.code != 0
    assert done.stderr.startswith("lamas: ")
    assert "is no whole backup" in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in other.iterdir()] == ["writer.lock"]


def test_prune_shows_first_and_takes_files_and_answers_along(home: Path) -> None:
    shown = lamas("prune", "run=run-1", home=home)
    assert shown.code == 0, shown.stderr
    assert "would delete 1 runs, 2 checkpoint files" in shown.stdout
    assert (home / "checkpoints/lamas-1.pt").exists()
    done = lamas("prune", "run=run-1", "retention.apply=true", home=home)
    assert done.code == 0, done.stderr
    assert list((home / "checkpoints").iterdir()) == []
    assert b"what-was-paid" not in (home / "responses.sqlite").read_bytes()
    with sqlite3.connect(home / "responses.sqlite") as store:
        assert store.execute("SELECT count(*) FROM responses").fetchone() == (0,)
    assert lamas("audit", home=home).code == 0


def test_prune_wants_to_know_what(home: Path) -> None:
    done = lamas("prune", home=home)
    assert done.code != 0
    assert "retention.days=90" in done.stderr


def test_export_says_what_it_wrote(home: Path, tmp_path: Path) -> None:
    done = lamas("export", tmp_path / "out", "export.views=true", home=home)
    assert done.code == 0, done.stderr
    assert (tmp_path / "out" / "run_summary.parquet").exists()
    done = lamas("export", tmp_path / "copy.duckdb", home=home)
    assert done.code == 0, done.stderr
    assert lamas("export", tmp_path / "out", home=home).code != 0


def test_forgetting_leaves_other_runs_their_answers(tmp_path: Path) -> None:
    path = tmp_path / "responses.sqlite"
    call: ModelCall = make_call(10)
    for run_id in ("one", "two"):
        with ResponseStore(path, run_id=run_id) as store:
            store.put(run_id, (call,))
    with ResponseStore(path) as store:
        assert store.forget(["one"]) == 1
        assert store.get("one") is None
        assert store.get("two") is not None
