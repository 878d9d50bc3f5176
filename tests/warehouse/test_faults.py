"""A full disk, a damaged file, a folder that may not be written: one sentence, and nothing lost."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lamas.errors import UnwritableError, WarehouseError
from tests.naive import naive_labels
from tests.patience import patience
from tests.random_rollouts import random_rollouts
from warehouse import Warehouse
from warehouse.writer import Writer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

FILLS_THE_DISK = """
import resource, signal, sys
from lamas.errors import WarehouseError
from tests.naive import naive_labels
from tests.random_rollouts import random_rollouts
from warehouse import Warehouse
from warehouse.writer import Writer

path, limit = sys.argv[1], int(sys.argv[2])
writer = Writer(Warehouse.open(path))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
stored = 0
try:
    for seed in range(1, 400):
        batch = random_rollouts(40, seed=seed, at_step=seed)
        stored += writer.add_rollouts([(item, naive_labels(item.trace)) for item in batch])
        print("stored", stored, flush=True)
except WarehouseError as error:
    print("refused", error, flush=True)
"""


@pytest.mark.parametrize("more_kib", [200, 1500])
def test_a_full_disk_loses_nothing_that_was_stored(warehouse: Warehouse, more_kib: int) -> None:
    limit = warehouse.path.stat().st_size + more_kib * 1024
    done = subprocess.run(
        [sys.executable, "-c", FILLS_THE_DISK, str(warehouse.path), str(limit)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=patience(120),
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1].startswith("refused "), lines
    assert str(warehouse.path) in lines[-1]
    stored = int(lines[-2].split()[1]) if len(lines) > 1 else 0
    again = Warehouse.open(warehouse.path)
    found = again.query("SELECT count(*) FROM rollouts").item()
    # The batch whose end was not told may have been committed before the disk was full.
    assert found in (stored, stored + 40)
    assert [result.name for result in again.audit() if result.rows.height] == []
    assert Writer(again).add_rollouts(
        [(item, naive_labels(item.trace)) for item in random_rollouts(5, seed=999, at_step=999)]
    )


def test_a_folder_that_becomes_read_only_within_a_transaction_is_named(
    warehouse: Warehouse, frozen: Callable[[Path, bool], None]
) -> None:
    def write() -> None:
        with warehouse.writing() as connection:
            connection.execute("CREATE TABLE meanwhile AS FROM range(10)")
            # The log beside the file is made at the commit.
            frozen(warehouse.path.parent, True)

    try:
        with pytest.raises(UnwritableError, match=f"{warehouse.path} cannot be written"):
            write()
    finally:
        frozen(warehouse.path.parent, False)
    batch = [(item, naive_labels(item.trace)) for item in random_rollouts(5, seed=1, at_step=1)]
    assert Writer(warehouse).add_rollouts(batch) == 5


def _complaint(path: Path) -> str:
    """What reading everything ends in; nothing when it is sound."""
    try:
        opened = Warehouse.open(path)
        opened.audit()
        opened.query("FROM model_calls")
    except WarehouseError as error:
        return str(error)
    return ""


def test_a_damaged_file_ends_in_a_sentence(warehouse: Warehouse) -> None:
    batch = random_rollouts(200)
    Writer(warehouse).add_rollouts([(item, naive_labels(item.trace)) for item in batch])
    whole = warehouse.path.read_bytes()
    ended = 0
    for place in range(4096, len(whole), len(whole) // 25):
        content = bytearray(whole)
        content[place : place + 64] = bytes(range(64))
        warehouse.path.write_bytes(content)
        message = _complaint(warehouse.path)
        assert "\n" not in message
        ended += bool(message)
    # Not every place of a file is in use.
    assert ended > 5
    warehouse.path.write_bytes(whole)
    assert Warehouse.open(warehouse.path).query("SELECT count(*) FROM rollouts").item() == 200


def test_a_cut_file_ends_in_a_sentence(warehouse: Warehouse) -> None:
    warehouse.path.write_bytes(warehouse.path.read_bytes()[:20_000])
    with pytest.raises(WarehouseError) as caught:
        Warehouse.open(warehouse.path).query("FROM problems")
    assert str(warehouse.path) in str(caught.value)
    assert "\n" not in str(caught.value)
