"""A warehouse file that goes, or is another one, while it is in use."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lamas.errors import WarehouseError
from tests.factories import make_run
from warehouse import Warehouse
from warehouse.writer import Writer

pytestmark = pytest.mark.attack


@pytest.fixture
def used(tmp_path: Path) -> Warehouse:
    warehouse = Warehouse.open(tmp_path / "warehouse.duckdb", create=True)
    Writer(warehouse).add_run(make_run())
    return warehouse


def deleted(path: Path) -> None:
    path.unlink()


def moved(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))


def folder_deleted(path: Path) -> None:
    path.unlink()
    path.parent.rmdir()


def read(warehouse: Warehouse) -> None:
    warehouse.query("FROM runs")


def written(warehouse: Warehouse) -> None:
    Writer(warehouse).add_run(make_run("run-2"))


def audited(warehouse: Warehouse) -> None:
    warehouse.audit()


@pytest.mark.slow
@pytest.mark.parametrize("go", [deleted, moved, folder_deleted])
@pytest.mark.parametrize("use", [read, written, audited])
def test_a_deleted_file_is_called_that_and_not_made_anew(
    used: Warehouse, go: Callable[[Path], None], use: Callable[[Warehouse], object]
) -> None:
    go(used.path)
    with pytest.raises(WarehouseError, match="was deleted or moved away while it was in use"):
        use(used)
    assert not used.path.exists()


@pytest.mark.slow
def test_a_file_that_comes_back_is_used_again(used: Warehouse) -> None:
    used.path.rename(used.path.with_name("away"))
    used.path.with_name("away").rename(used.path)
    Writer(used).add_run(make_run("run-2"))
    assert len(used.query("FROM runs")) == 2
