"""Exports: whole at any moment, read back, and never half-written under their name."""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import polars as pl
import pytest

from lamas.errors import WarehouseError
from tests.naive import naive_labels
from tests.patience import patience, until
from tests.random_rollouts import random_rollouts
from warehouse import Warehouse
from warehouse.snapshot import (
    MANIFEST,
    copy_file,
    export_duckdb,
    export_parquet,
    manifest_of,
    sha256_of,
)
from warehouse.writer import Writer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def test_parquet_files_hold_every_row_of_every_table_and_view(
    full: Warehouse, tmp_path: Path
) -> None:
    export = export_parquet(full, tmp_path / "out", views=True)
    told = json.loads((tmp_path / "out" / MANIFEST).read_text())
    assert told["schema_version"] == full.query("SELECT max(version) FROM schema_version").item()
    assert {item["file"] for item in told["files"]} == {
        path.name for path in (tmp_path / "out").iterdir() if path.name != MANIFEST
    }
    for item in export.files:
        file = tmp_path / "out" / item.file
        assert sha256_of(file) == item.sha256
        stored = full.query(f"FROM {file.stem} ORDER BY ALL")
        assert pl.read_parquet(file).height == item.rows == stored.height
    with duckdb.connect() as connection:
        rollouts = connection.sql(
            f"FROM '{tmp_path}/out/rollouts.parquet' ORDER BY rollout_id"
        ).fetchall()
    assert rollouts == full.query("FROM rollouts ORDER BY rollout_id").rows()


def test_a_duckdb_snapshot_is_a_warehouse_itself(full: Warehouse, tmp_path: Path) -> None:
    file = tmp_path / "copy.duckdb"
    export = export_duckdb(full, file)
    assert json.loads(manifest_of(file).read_text())["files"][0]["sha256"] == sha256_of(file)
    again = Warehouse.open(file)
    assert again.query("SELECT count(*) FROM rollouts").item() == export.rows["rollouts"] == 100
    assert [result.name for result in again.audit() if result.rows.height] == []


def test_nothing_is_overwritten(full: Warehouse, tmp_path: Path) -> None:
    export_parquet(full, tmp_path / "out", views=False)
    with pytest.raises(WarehouseError, match="exists already"):
        export_parquet(full, tmp_path / "out", views=False)


def test_a_copy_made_while_another_process_writes_is_sound(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    code = (
        "from tests.naive import naive_labels\n"
        "from tests.random_rollouts import random_rollouts\n"
        "from warehouse import Warehouse\n"
        "from warehouse.writer import Writer\n"
        f"writer = Writer(Warehouse.open({str(warehouse.path)!r}))\n"
        "print('ready', flush=True)\n"
        "for seed in range(400):\n"
        "    batch = random_rollouts(5, seed=seed, at_step=seed)\n"
        "    writer.add_rollouts([(item, naive_labels(item.trace)) for item in batch])\n"
    )
    counts: list[int] = []
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for number in range(5):
            file = tmp_path / f"{number}.duckdb"
            copy_file(warehouse, file)
            copy = Warehouse.open(file)
            counts.append(copy.query("SELECT count(*) FROM rollouts").item())
            assert [result.name for result in copy.audit() if result.rows.height] == []
        assert process.poll() is None
        # A log that a killed writer leaves is part of what was committed.
        process.send_signal(signal.SIGKILL)
    copy_file(warehouse, tmp_path / "last.duckdb")
    counts.append(
        Warehouse.open(tmp_path / "last.duckdb").query("SELECT count(*) FROM rollouts").item()
    )
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]
    assert all(count % 5 == 0 for count in counts)
    assert warehouse.query("SELECT count(*) FROM rollouts").item() == counts[-1]


def test_a_killed_export_leaves_nothing_under_its_name(full: Warehouse, tmp_path: Path) -> None:
    code = (
        "import os, signal\n"
        "from warehouse import Warehouse, snapshot\n"
        "def fatal(*_):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "snapshot._write_manifest = fatal\n"
        f"warehouse = Warehouse.open({str(full.path)!r})\n"
        f"folder = snapshot.Path({str(tmp_path / 'out')!r})\n"
        "snapshot.export_parquet(warehouse, folder, views=False)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=patience(60))
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    assert export_parquet(full, tmp_path / "out", views=False).rows["rollouts"] == 100


@pytest.mark.parametrize("limit_kib", [64, 700])
def test_a_full_disk_ends_an_export_in_one_sentence(
    full: Warehouse, tmp_path: Path, limit_kib: int
) -> None:
    code = (
        "import resource, signal, sys\n"
        "from lamas.errors import WarehouseError\n"
        "from warehouse import Warehouse, snapshot\n"
        f"warehouse = Warehouse.open({str(full.path)!r})\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit_kib} * 1024, resource.RLIM_INFINITY))\n"
        "try:\n"
        f"    snapshot.export_parquet(warehouse, snapshot.Path({str(tmp_path / 'out')!r}),"
        " views=False)\n"
        "except WarehouseError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, timeout=patience(60), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "cannot be written" in done.stdout
    assert done.stdout.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_analysts_wait_no_longer_than_a_burst(warehouse: Warehouse) -> None:
    """Between two calls of the writer the file is free, whatever each call holds."""
    writer, stop = Writer(warehouse), threading.Event()
    counts: list[int] = []

    def ask() -> None:
        other = Warehouse.open(warehouse.path)
        while not stop.is_set():
            counts.append(int(other.query("SELECT count(*) FROM rollouts").item()))

    thread = threading.Thread(target=ask)
    thread.start()
    for seed in range(6):
        batch = random_rollouts(20, seed=seed, at_step=seed)
        writer.add_rollouts([(item, naive_labels(item.trace)) for item in batch])
        until(lambda seed=seed: 20 * (seed + 1) in counts)
    stop.set()
    thread.join()
    assert {20 * number for number in range(1, 7)} <= set(counts)
