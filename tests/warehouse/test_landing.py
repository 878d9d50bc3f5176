"""Rollouts that land as Parquet are stored like those that were never on a disk, and once."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pytest

from lamas.domain import Rollout
from lamas.domain.texts import Texts
from lamas.errors import WarehouseError
from tests.naive import naive_labels
from tests.random_rollouts import random_rollouts
from warehouse import Warehouse
from warehouse.landing import merge_landed, read_landed, write_landed
from warehouse.reader import Reader
from warehouse.writer import Writer

Store = Callable[..., int]


def land(folder: Path, rollouts: Sequence[Rollout], texts: Texts = "keep") -> Path:
    write_landed(folder, [(item, naive_labels(item.trace)) for item in rollouts], texts=texts)
    return folder


@pytest.mark.slow
def test_merged_rollouts_come_back_equal(
    warehouse: Warehouse, reader: Reader, tmp_path: Path
) -> None:
    written = random_rollouts(40, seed=3)
    assert merge_landed(warehouse, land(tmp_path / "shard", written)) == 40
    found = reader.rollouts("run-1", with_calls=True)
    assert sorted(found, key=lambda item: item.order) == sorted(
        written, key=lambda item: item.order
    )
    labels = reader.labels([item.rollout_id for item in written])
    assert labels == {item.rollout_id: naive_labels(item.trace) for item in written}
    assert not any(result.rows.height for result in warehouse.audit())


@pytest.mark.slow
def test_what_is_stored_already_stays_with_all_its_parts(
    warehouse: Warehouse, store: Store, reader: Reader, tmp_path: Path
) -> None:
    written = random_rollouts(20, seed=4)
    store(*written[:12])
    folder = land(tmp_path / "shard", written)
    assert merge_landed(warehouse, folder) == 8
    assert merge_landed(warehouse, folder) == 0
    assert len(reader.rollouts("run-1", with_calls=True)) == 20
    assert not any(result.rows.height for result in warehouse.audit())


@pytest.mark.slow
def test_the_first_to_land_stands(tmp_path: Path) -> None:
    first, second = random_rollouts(5, seed=5), random_rollouts(9, seed=6)
    folder = land(tmp_path / "shard", first)
    land(folder, second)
    assert read_landed(folder)["rollout_id"].to_list() == [item.rollout_id for item in first]
    assert [path.name for path in tmp_path.iterdir()] == ["shard"]


@pytest.mark.slow
def test_nothing_to_land_is_no_rows(warehouse: Warehouse, tmp_path: Path) -> None:
    folder = land(tmp_path / "shard", [])
    assert merge_landed(warehouse, folder) == 0


def test_dropped_texts_are_on_no_disk(tmp_path: Path) -> None:
    folder = land(tmp_path / "shard", random_rollouts(10, seed=7), texts="drop")
    calls = pl.read_parquet(folder / "model_calls.parquet")
    assert calls["response_text"].is_null().all()


@pytest.mark.slow
@pytest.mark.parametrize("table", ["rollouts", "model_calls", "critical_path_labels"])
def test_a_half_written_file_is_refused_whole(
    table: str, warehouse: Warehouse, reader: Reader, tmp_path: Path
) -> None:
    folder = land(tmp_path / "shard", random_rollouts(10, seed=8))
    path = folder / f"{table}.parquet"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(WarehouseError, match="cannot be read"):
        merge_landed(warehouse, folder)
    assert reader.rollouts("run-1") == ()


@pytest.mark.slow
def test_a_rollout_of_an_unknown_run_is_refused_whole(empty: Warehouse, tmp_path: Path) -> None:
    folder = land(tmp_path / "shard", random_rollouts(3, seed=9))
    with pytest.raises(WarehouseError, match="refused a batch"):
        merge_landed(empty, folder)
    assert empty.query("SELECT count(*) AS n FROM rollouts")["n"].item() == 0


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WarehouseError, match="cannot be left in"):
        write_landed(tmp_path / "file" / "shard", [])


@pytest.mark.slow
def test_a_writer_and_a_landing_make_the_same_rows(
    warehouse: Warehouse, prepared_file: Path, tmp_path: Path
) -> None:
    other = Warehouse.open(shutil.copy(prepared_file, tmp_path / "other.duckdb"))
    written = random_rollouts(30, seed=10)
    Writer(other).add_rollouts([(item, naive_labels(item.trace)) for item in written])
    merge_landed(warehouse, land(tmp_path / "shard", written))
    for table in (
        "rollouts",
        "decisions",
        "operator_invocations",
        "model_calls",
        "tool_executions",
        "critical_path_labels",
    ):
        query = f"FROM {table} ORDER BY ALL"
        assert warehouse.query(query).equals(other.query(query)), table
