"""Processes that take turns with one file, and what is left when one of them is killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lamas.errors import WarehouseError
from tests.factories import make_rollout, make_run
from tests.naive import naive_labels
from tests.patience import patience
from warehouse import Warehouse
from warehouse.reader import Reader
from warehouse.writer import Writer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@contextmanager
def holding(path: Path) -> Generator[subprocess.Popen[str], None, None]:
    """Another process that holds the file for writing until told to let go."""
    code = (
        "import duckdb, sys\n"
        f"connection = duckdb.connect({str(path)!r})\n"
        "print('held', flush=True)\n"
        "sys.stdin.readline()\n"
        "connection.close()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            if process.poll() is None:
                process.communicate("go\n", timeout=patience(30))


def test_a_writer_waits_for_another_process(warehouse: Warehouse) -> None:
    with holding(warehouse.path) as holder:
        assert holder.stdin is not None
        told = holder.stdin
        order: list[str] = []

        def release() -> None:
            order.append("released")
            told.write("go\n")
            told.flush()

        threading.Timer(0.5, release).start()
        Writer(warehouse).add_run(make_run("run-2"))
        order.append("written")
    assert order == ["released", "written"]
    assert len(Reader(warehouse).runs()) == 2


def test_a_file_held_too_long_is_named_with_its_holder(warehouse: Warehouse) -> None:
    with holding(warehouse.path) as holder:
        with pytest.raises(WarehouseError) as caught:
            Warehouse.open(warehouse.path, timeout_seconds=0.2)
        message = str(caught.value)
    assert str(warehouse.path) in message
    assert f"process {holder.pid}" in message
    assert "0.2 s" in message


def test_reading_and_writing_threads_of_two_warehouses_take_turns(warehouse: Warehouse) -> None:
    other = Warehouse.open(warehouse.path)
    failures: list[Exception] = []

    def write() -> None:
        try:
            for number in range(10):
                Writer(warehouse).add_run(make_run(f"more-{number}"))
        except WarehouseError as error:
            failures.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    while thread.is_alive():
        other.query("SELECT count(*) FROM runs")
    thread.join()
    assert failures == []
    assert other.query("SELECT count(*) FROM runs").item() == 11


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone else")
def test_a_file_that_may_not_be_written_can_be_read(warehouse: Warehouse) -> None:
    code = (
        "import os, sys\n"
        "from warehouse import Warehouse\n"
        "from warehouse.reader import Reader\n"
        "from warehouse.writer import Writer\n"
        "from lamas.errors import WarehouseError\n"
        "from tests.factories import make_run\n"
        "os.setuid(65534)\n"
        f"warehouse = Warehouse.open({str(warehouse.path)!r})\n"
        "print(Reader(warehouse).run('run-1').run_id)\n"
        "try:\n"
        "    Writer(warehouse).add_run(make_run('run-2'))\n"
        "except WarehouseError as error:\n"
        "    print(error)\n"
    )
    warehouse.path.chmod(0o444)
    for folder in warehouse.path.parents:
        if "/pytest-" in str(folder):
            folder.chmod(folder.stat().st_mode | 0o055)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=patience(60)
    )
    assert done.stdout.startswith("run-1\n"), done.stderr
    assert f"{warehouse.path} cannot be written" in done.stdout


@pytest.mark.parametrize("after_seconds", [0.02, 0.4])
def test_a_writer_killed_at_any_moment_leaves_whole_batches(
    warehouse: Warehouse, after_seconds: float
) -> None:
    code = (
        "from tests.naive import naive_labels\n"
        "from tests.random_rollouts import random_rollouts\n"
        "from warehouse import Warehouse\n"
        "from warehouse.writer import Writer\n"
        f"writer = Writer(Warehouse.open({str(warehouse.path)!r}))\n"
        "batches = (random_rollouts(20, seed=seed, at_step=seed) for seed in range(500))\n"
        "print('ready', flush=True)\n"
        "for batch in batches:\n"
        "    writer.add_rollouts([(item, naive_labels(item.trace)) for item in batch])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(after_seconds)
        process.send_signal(signal.SIGKILL)
    again = Warehouse.open(warehouse.path)
    assert [item.name for item in again.audit() if item.rows.height] == []
    stored = again.query("SELECT count(*) FROM rollouts").item()
    assert stored % 20 == 0
    item = make_rollout(rollout_id="after the kill", sample_index=1000)
    Writer(again).add_rollouts([(item, naive_labels(item.trace))])
    assert again.query("SELECT count(*) FROM rollouts").item() == stored + 1


def test_a_writer_killed_inside_a_batch_leaves_nothing_of_it(warehouse: Warehouse) -> None:
    code = (
        "import os, signal\n"
        "from tests.naive import naive_labels\n"
        "from tests.random_rollouts import random_rollouts\n"
        "from warehouse import Warehouse, writer\n"
        "from warehouse.writer import Writer\n"
        "append = writer.append\n"
        "def fatal(connection, table, incoming):\n"
        "    if table.name == 'critical_path_labels':\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    append(connection, table, incoming)\n"
        "writer.append = fatal\n"
        f"patched = Writer(Warehouse.open({str(warehouse.path)!r}))\n"
        "patched.add_rollouts([(item, naive_labels(item.trace)) for item in random_rollouts(20)])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=patience(60))
    assert done.returncode == -signal.SIGKILL
    again = Warehouse.open(warehouse.path)
    assert again.query("SELECT count(*) FROM rollouts").item() == 0
    assert again.query("SELECT count(*) FROM model_calls").item() == 0
