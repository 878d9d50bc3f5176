"""What a query may not do to the machine, whoever wrote it: a user, or a file from elsewhere."""

import shutil
from pathlib import Path

import duckdb
import pytest

from lamas.errors import WarehouseError
from warehouse import Warehouse
from warehouse.connection import quoted
from warehouse.snapshot import export_parquet

pytestmark = pytest.mark.attack

OUTSIDE = "this query would use other files"


def written(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize(
    "query",
    [
        "COPY (SELECT 1) TO '{folder}/victim.txt' (FORMAT csv)",
        "COPY runs TO '{folder}/new.parquet'",
        "ATTACH '{folder}/new.duckdb'",
        "ATTACH '{folder}/new.duckdb' (READ_WRITE)",
        "ATTACH '{folder}/new.sqlite' (TYPE sqlite)",
        "EXPORT DATABASE '{folder}/all'",
        "IMPORT DATABASE '{folder}'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "LOAD '{folder}/victim.txt'",
        "SELECT * FROM read_text('{folder}/victim.txt')",
        "SELECT * FROM read_blob('/etc/hostname')",
        "SELECT * FROM read_csv('{folder}/victim.txt')",
        "SELECT * FROM '{folder}/victim.csv'",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM sniff_csv('{folder}/victim.txt')",
        "SELECT * FROM read_parquet('https://example.invalid/x.parquet')",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "RESET allowed_directories",
        "SET allowed_directories = ['/']",
        "PRAGMA enable_profiling",
        "FROM duckdb_secrets()",
        "CREATE SECRET s (TYPE s3)",
        "SELECT getenv('HOME')",
        "SET temp_directory = '{folder}/new'",
        "SET log_query_path = '{folder}/new.log'",
        "SET profiling_output = '{folder}/new.json'",
        "CALL enable_logging(storage = 'file')",
        "FROM folder",
        "FROM query('FROM read_text(''{folder}/victim.txt'')')",
        "FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''/etc/hostname'')'))",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{folder}/new.csv'",
        "PREPARE p AS COPY (SELECT 1) TO '{folder}/new.csv'",
        "CREATE TEMP MACRO m() AS TABLE FROM read_text('{folder}/victim.txt')",
        "FROM read_duckdb('{folder}/victim.txt')",
        "FROM parquet_metadata('{folder}/victim.txt')",
        "COPY runs FROM '{folder}/victim.csv'",
        "DELETE FROM runs",
        "CREATE TABLE t (a INTEGER)",
        "SELECT 1; COPY (SELECT 1) TO '{folder}/victim.txt'",
    ],
)
def test_a_query_reaches_nothing_but_the_warehouse(
    warehouse: Warehouse, tmp_path: Path, query: str
) -> None:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "victim.txt").write_text("a secret\n")
    (folder / "victim.csv").write_text("a,b\n1,2\n")
    before = written(tmp_path)
    for asked in (warehouse.query, warehouse.ask):
        with pytest.raises(WarehouseError) as refused:
            asked(query.format(folder=folder))
        assert "a secret" not in str(refused.value)
    assert (folder / "victim.txt").read_text() == "a secret\n"
    assert written(folder) == {"victim.txt", "victim.csv"}
    assert written(tmp_path) - before == set()


def test_the_sentence_names_the_way_out_and_the_way_works(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    target = tmp_path / "out.csv"
    copy = f"COPY (SELECT 7 AS n) TO '{target}' (FORMAT csv)"
    with pytest.raises(WarehouseError, match=rf"{OUTSIDE}.*--unrestricted"):
        warehouse.ask(copy)
    warehouse.ask(copy, unrestricted=True)
    assert target.read_text() == "n\n7\n"
    assert warehouse.ask(f"FROM '{target}'", unrestricted=True).rows() == [(7,)]


def test_two_readers_of_one_process_are_confined_side_by_side(warehouse: Warehouse) -> None:
    other = Warehouse(warehouse.path, timeout_seconds=1)
    with warehouse.reading() as first, other.reading() as second:
        for connection in (first, second):
            assert connection.execute("SELECT count(*) FROM runs").fetchone() == (1,)
            with pytest.raises(duckdb.PermissionException):
                connection.execute("SELECT * FROM read_text('/etc/hostname')")
    with pytest.raises(WarehouseError, match=OUTSIDE):
        warehouse.query("FROM read_text('/etc/hostname')")


@pytest.mark.slow
@pytest.mark.parametrize("keep_digest", [True, False])
def test_views_of_a_file_from_elsewhere_are_made_anew_whatever_the_file_says_of_them(
    warehouse: Warehouse, tmp_path: Path, keep_digest: bool
) -> None:
    foreign = tmp_path / "foreign.duckdb"
    shutil.copy(warehouse.path, foreign)
    told = warehouse.query("FROM run_summary").columns
    with duckdb.connect(str(foreign)) as forged:
        forged.execute("CREATE OR REPLACE VIEW run_summary AS FROM read_text('/etc/hostname')")
        evil = """runs) TO 'injected.csv' (FORMAT csv) --"""
        forged.execute(f"CREATE VIEW {quoted(evil)} AS SELECT 1")
        forged.execute("""CREATE VIEW "a""b; DROP TABLE runs" AS SELECT 1""")
        if not keep_digest:
            forged.execute("UPDATE schema_views SET digest = 'x'")
    opened = Warehouse.open(foreign)
    assert opened.query("FROM run_summary").columns == told
    assert (
        opened.query("SELECT count(*) FROM duckdb_views() WHERE view_name = $1", [evil]).item() == 0
    )
    export = export_parquet(opened, tmp_path / "out", views=True)
    assert not Path("injected.csv").exists()
    assert "runs" in export.rows


@pytest.mark.slow
@pytest.mark.parametrize(
    ("macro", "asked", "answer"),
    [
        ("sum(x) AS 666", "sum(2)", 2),
        ("ordered_sum(addends) AS 666", "ordered_sum([1.0, 2.0])", 3),
        ("avg(x) AS 666", "avg(2)", 2),
        ("coalesce(x, y) AS 666", "coalesce(NULL, 2)", 2),
        ("count_if(x) AS 666", "count_if(true)", 1),
        ("MINE(x) AS TABLE SELECT 666", "2", 2),
    ],
)
def test_macros_of_a_file_from_elsewhere_change_no_figure(
    warehouse: Warehouse, tmp_path: Path, macro: str, asked: str, answer: int
) -> None:
    foreign = tmp_path / "foreign.duckdb"
    shutil.copy(warehouse.path, foreign)
    with duckdb.connect(str(foreign)) as forged:
        forged.execute(f"CREATE OR REPLACE MACRO {macro}")
    opened = Warehouse.open(foreign)
    assert opened.query(f"SELECT {asked}").item() == answer
    own = "SELECT count(*) FROM duckdb_functions() WHERE NOT internal"
    assert opened.query(own).item() == warehouse.query(own).item()
    assert [result.name for result in opened.audit() if result.rows.height] == [
        result.name for result in warehouse.audit() if result.rows.height
    ]


def test_a_table_whose_name_is_a_path_is_not_exported(warehouse: Warehouse, tmp_path: Path) -> None:
    with duckdb.connect(str(warehouse.path)) as forged:
        forged.execute('CREATE TABLE "../escaped" AS SELECT 1')
    with pytest.raises(WarehouseError, match="no name for a file"):
        export_parquet(warehouse, tmp_path / "out" / "inner", views=False)
    assert not (tmp_path / "out" / "escaped.parquet").exists()


@pytest.mark.slow
def test_views_are_compared_with_what_this_code_makes_also_without_a_cache(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (tmp_path / "new", Path("/proc/nowhere")):
        monkeypatch.setenv("LAMAS_CACHE", str(folder))
        before = warehouse.path.read_bytes()
        assert Warehouse.open(warehouse.path).query("FROM runs").height == 1
        assert warehouse.path.read_bytes() == before, "nothing had to be renewed"
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()] == [0o600]
