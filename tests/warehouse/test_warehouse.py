"""The file: made whole, migrated forward, refused when it is another's, asked without writing."""

import re
import threading
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from lamas.errors import WarehouseError
from tests.factories import make_run
from tests.measure.warehouse import __main__ as bench
from warehouse import Warehouse
from warehouse.migration import Schema, migrate, packaged_schema
from warehouse.reader import Reader
from warehouse.sql_files import SqlFile, views_in_order

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_missing_file_is_made_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "lamas.duckdb"
    with pytest.raises(WarehouseError, match=r"no warehouse at .*lamas prepare"):
        Warehouse.open(path)
    assert not path.parent.exists()
    assert Warehouse.open(path, create=True).query("FROM runs").is_empty()
    assert [item.name for item in path.parent.iterdir()] == ["lamas.duckdb"]


def test_making_it_twice_keeps_what_is_in_it(warehouse: Warehouse) -> None:
    again = Warehouse.open(warehouse.path, create=True)
    assert Reader(again).run("run-1") == make_run()


@pytest.mark.slow
def test_two_threads_may_make_it_at_once(tmp_path: Path) -> None:
    path = tmp_path / "lamas.duckdb"
    threads = [threading.Thread(target=Warehouse.open, args=(path,), kwargs={"create": True})]
    threads.append(threading.Thread(target=Warehouse.open, args=(path,), kwargs={"create": True}))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Warehouse.open(path).query("FROM runs").is_empty()
    assert [item.name for item in tmp_path.iterdir()] == ["lamas.duckdb"]


@pytest.mark.parametrize("content", [b"", b"hello", b"x" * 100_000])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(WarehouseError, match="is not a DuckDB file"):
        Warehouse.open(path, create=True)
    assert path.read_bytes() == content


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="is not a file"):
        Warehouse.open(tmp_path, create=True)


def test_a_place_that_cannot_hold_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WarehouseError, match="cannot be written"):
        Warehouse.open(tmp_path / "file" / "lamas.duckdb", create=True)


def test_a_damaged_warehouse_is_refused(warehouse: Warehouse) -> None:
    content = bytearray(warehouse.path.read_bytes())
    content[20_000:] = bytes(len(content) - 20_000)
    warehouse.path.write_bytes(content)
    with pytest.raises(WarehouseError, match=str(warehouse.path)):
        Warehouse.open(warehouse.path).query("FROM problems")


def test_another_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE mine (a INTEGER)")
    with pytest.raises(WarehouseError, match="no LAMaS warehouse"):
        Warehouse.open(path, create=True)


def test_a_newer_schema_is_refused(warehouse: Warehouse) -> None:
    known = len(packaged_schema().migrations)
    execute(warehouse, f"INSERT INTO schema_version VALUES ({known + 1}, 'later', '', '', 0)")
    with pytest.raises(WarehouseError, match=f"version {known + 1}, .* only {known}"):
        Warehouse.open(warehouse.path)


def test_an_edited_migration_is_refused(warehouse: Warehouse) -> None:
    execute(warehouse, "UPDATE schema_version SET checksum = 'other' WHERE version = 2")
    with pytest.raises(WarehouseError, match=r"migration 2 .* never edited"):
        Warehouse.open(warehouse.path)


def test_a_table_altered_by_hand_is_refused(warehouse: Warehouse) -> None:
    execute(warehouse, "ALTER TABLE evaluations DROP COLUMN method")
    with pytest.raises(WarehouseError, match="altered by hand"):
        Warehouse.open(warehouse.path)


@pytest.mark.slow
def test_an_earlier_version_is_migrated_with_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "lamas.duckdb"
    current = packaged_schema()
    earlier = Schema(migrations=current.migrations[:2], macros=current.macros, views=())
    with duckdb.connect(str(path)) as connection:
        migrate(connection, path, earlier)
        connection.execute(
            "INSERT INTO runs VALUES "
            "('run-1', 'retrain', '{}', 'd', '1', 7, true, 'running', 0, NULL, NULL, NULL)"
        )
    warehouse = Warehouse.open(path)
    assert [run.run_id for run in Reader(warehouse).runs()] == ["run-1"]
    assert warehouse.query("FROM promotions").is_empty()
    versions = warehouse.query("SELECT version FROM schema_version ORDER BY version")
    assert versions["version"].to_list() == list(range(1, len(current.migrations) + 1))
    assert warehouse.query("SELECT rollouts FROM run_summary").item() == 0
    assert Reader(warehouse).run("run-1").prompts_digest == ""


@pytest.mark.slow
def test_a_failing_migration_leaves_the_version_before(warehouse: Warehouse) -> None:
    current = packaged_schema()
    count = len(current.migrations)
    text = "CREATE TABLE extra (a INTEGER); SELECT nonsense;"
    broken = SqlFile(name=f"{count + 1:04}_broken", text=text)
    with pytest.raises(WarehouseError, match="nonsense"):
        warehouse.migrate(replace(current, migrations=(*current.migrations, broken)))
    assert Warehouse.open(warehouse.path).query("FROM schema_version").height == count


@pytest.mark.slow
def test_changed_views_are_renewed(warehouse: Warehouse) -> None:
    current = packaged_schema()
    extra = SqlFile(name="answer", text="-- Grain: one.\nCREATE VIEW answer AS SELECT 42 AS a;")
    warehouse.migrate(replace(current, views=(*current.views, extra)))
    assert warehouse.query("SELECT a FROM answer").item() == 42
    Warehouse.open(warehouse.path)
    with pytest.raises(WarehouseError, match="answer"):
        warehouse.query("FROM answer")


def test_views_are_created_after_the_views_they_read() -> None:
    first = SqlFile(name="b_base", text="SELECT 1")
    second = SqlFile(name="a_top", text="-- c_loop\nSELECT * FROM b_base")
    assert views_in_order((second, first)) == (first, second)
    loop = SqlFile(name="c_loop", text="SELECT * FROM d_loop")
    back = SqlFile(name="d_loop", text="SELECT * FROM c_loop")
    with pytest.raises(WarehouseError, match="c_loop, d_loop"):
        views_in_order((loop, back))


@pytest.mark.slow
def test_queries_take_parameters_and_cannot_write(warehouse: Warehouse) -> None:
    found = warehouse.query("SELECT seed + ? AS next FROM runs WHERE run_id = ?", [1, "run-1"])
    assert found.to_dicts() == [{"next": 8}]
    for statement in ("DELETE FROM runs", "CREATE TABLE x (a INT)", "UPDATE runs SET seed = 1"):
        with pytest.raises(WarehouseError, match="would change the warehouse"):
            warehouse.query(statement)
    with pytest.raises(WarehouseError, match="one SQL statement at a time, got 2"):
        warehouse.query("SELECT 1; DELETE FROM runs")
    with pytest.raises(WarehouseError, match="rnus"):
        warehouse.query("SELECT * FROM rnus")
    assert Reader(warehouse).run("run-1") == make_run()


OF_NO_BENCH = {
    "answer_feedback",
    "candidate_estimates",
    "deadlines_kept",
    "gap_closed",
    "trial_outcomes",
    "value_gap_closed",
}
"""Views of served answers, and of controllers fitted to a table."""


@pytest.mark.slow
def test_the_bench_prints_rates_memory_and_views(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept.duckdb"
    bench.main(["--rollouts", "40", "--batch", "10", "--repeats", "1", "--keep", str(kept)])
    printed = capsys.readouterr().out
    assert "40 rollouts, 1289 rows, 4 batches" in printed
    assert re.search(r"raw, same tables .* writer takes \d+\.\d\d ×", printed), printed
    assert re.search(r"peak( +(/ )?[\d,]+){4} MiB after 25 / 50 / 75 / 100 %", printed)
    assert "all clean" in printed
    assert set(re.findall(r"(\w+) +in whole +0 rows", printed)) == OF_NO_BENCH
    bench.main(["--from", str(kept), "--repeats", "1"])
    again = capsys.readouterr().out
    assert "writer takes" not in again
    assert re.search(r"rollout_recomputed +in whole +44 rows .* one run +40 rows", again), again
    with pytest.raises(WarehouseError, match="new file"):
        bench.main(["--keep", str(kept)])


def execute(warehouse: Warehouse, statement: str) -> None:
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(statement)
