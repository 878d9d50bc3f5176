"""Kept instances: a file is free between two uses, and what one use broke hurts no other."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.patience import patience
from warehouse.instances import HELD, MOST, Instances

OPENS = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('INSERT INTO t VALUES (2)')"


class Started:
    """Makes instances, and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> duckdb.DuckDBPyConnection:
        self.count += 1
        return duckdb.connect(":memory:")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.duckdb"
    with duckdb.connect(str(path)) as fresh:
        fresh.execute("CREATE TABLE t AS SELECT 1 AS n")
    return path


def read(instances: Instances, path: Path, start: Callable[[], duckdb.DuckDBPyConnection]) -> int:
    with instances.attached(path, start, "READ_ONLY", alone=False) as connection:
        (row,) = connection.execute("SELECT sum(n) FROM t").fetchall()
        return int(row[0])


def test_between_two_uses_another_process_may_write(file: Path) -> None:
    instances, start = Instances(), Started()
    assert read(instances, file, start) == 1
    subprocess.run([sys.executable, "-c", OPENS, str(file)], check=True, timeout=patience(60))
    assert read(instances, file, start) == 3
    assert start.count == 1


def test_what_was_written_is_in_the_file_itself(file: Path) -> None:
    instances = Instances()
    with instances.attached(file, Started(), "READ_WRITE", alone=True) as connection:
        connection.execute("INSERT INTO t VALUES (4)")
    assert not file.with_name(f"{file.name}.wal").exists()
    with duckdb.connect(str(file), read_only=True) as other:
        assert other.execute("SELECT sum(n) FROM t").fetchall() == [(5,)]


def test_readers_share_and_a_writer_is_told_that_it_is_held(file: Path) -> None:
    instances, start = Instances(), Started()
    with instances.attached(file, start, "READ_ONLY", alone=False):
        assert read(instances, file, start) == 1
        with (
            pytest.raises(duckdb.Error, match=HELD),
            instances.attached(file, start, "READ_WRITE", alone=True),
        ):
            pass
    with instances.attached(file, start, "READ_WRITE", alone=True) as connection:
        connection.execute("INSERT INTO t VALUES (1)")


def test_an_instance_that_met_an_error_is_not_used_again(file: Path) -> None:
    instances, start = Instances(), Started()
    with (
        pytest.raises(KeyError),
        instances.attached(file, start, "READ_ONLY", alone=False),
    ):
        raise KeyError
    assert read(instances, file, start) == 1
    assert start.count == 2


def test_few_are_kept_and_those_in_use_stay(tmp_path: Path, file: Path) -> None:
    instances, start = Instances(), Started()
    with instances.attached(file, start, "READ_ONLY", alone=False) as used:
        for number in range(MOST + 3):
            path = tmp_path / f"{number}.duckdb"
            with instances.attached(path, start, "READ_WRITE", alone=True) as connection:
                connection.execute("CREATE TABLE t AS SELECT 1 AS n")
        assert used.execute("SELECT n FROM t").fetchall() == [(1,)]
    made = start.count
    assert read(instances, tmp_path / f"{MOST + 2}.duckdb", start) == 1
    assert start.count == made
    assert read(instances, tmp_path / "0.duckdb", start) == 1
    assert start.count == made + 1


def test_a_file_that_is_no_database_leaves_nothing_held(tmp_path: Path) -> None:
    instances, start = Instances(), Started()
    path = tmp_path / "late.duckdb"
    path.write_text("not yet" * 1000)
    with pytest.raises(duckdb.Error), instances.attached(path, start, "READ_WRITE", alone=True):
        pass
    path.unlink()
    with instances.attached(path, start, "READ_WRITE", alone=True) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS n")
    assert read(instances, path, start) == 1


@pytest.mark.slow
def test_threads_take_turns_without_meeting_a_closed_file(file: Path) -> None:
    instances, start = Instances(), Started()
    sums: list[int] = []

    def look() -> None:
        sums.extend(read(instances, file, start) for _ in range(20))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sums == [1] * 80


@pytest.mark.slow
def test_a_forked_child_starts_its_own(file: Path) -> None:
    instances, start = Instances(), Started()
    assert read(instances, file, start) == 1
    child = os.fork()
    if child == 0:
        os._exit(read(instances, file, start) + 2 * start.count)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 1 + 2 * 2
    assert read(instances, file, start) == 1
    assert start.count == 1
