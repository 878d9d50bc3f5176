"""A new warehouse is a copy of an empty one that was made before, and the same as one made anew."""

import time
from pathlib import Path

import duckdb
import pytest

from lamas.domain.user_cache import VARIABLE
from tests.factories import make_run
from warehouse import Warehouse
from warehouse.migration import packaged_schema
from warehouse.writer import Writer

pytestmark = pytest.mark.slow

SCHEMA = """
SELECT 'table', table_name, sql FROM duckdb_tables()
UNION ALL SELECT 'view', view_name, sql FROM duckdb_views() WHERE NOT internal
UNION ALL SELECT 'index', index_name, sql FROM duckdb_indexes()
UNION ALL SELECT 'macro', function_name, macro_definition FROM duckdb_functions()
    WHERE NOT internal AND function_type IN ('macro', 'table_macro')
UNION ALL SELECT 'comment', table_name || '.' || column_name, comment FROM duckdb_columns()
    WHERE NOT internal
UNION ALL SELECT 'version', name, checksum || columns_digest FROM schema_version
UNION ALL SELECT 'views', '', digest FROM schema_views
ORDER BY ALL
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def kept(cache: Path) -> Path:
    (found,) = cache.glob("warehouse-*.duckdb")
    return found


def made(path: Path) -> tuple[list[tuple[object, ...]], float]:
    """What a warehouse made at `path` holds, and when it was migrated."""
    warehouse = Warehouse.open(path, create=True)
    (applied,) = warehouse.query("SELECT max(applied_at) FROM schema_version").row(0)
    return warehouse.query(SCHEMA).rows(), applied


def test_a_copy_is_what_would_be_made_and_says_when(cache: Path, tmp_path: Path) -> None:
    first, _ = made(tmp_path / "first.duckdb")
    assert kept(cache).name == f"warehouse-{packaged_schema().digest}.duckdb"
    before = time.time()
    second, applied = made(tmp_path / "second.duckdb")
    assert first == second
    assert before <= applied <= time.time()


def test_what_is_stored_later_is_in_no_other(cache: Path, tmp_path: Path) -> None:
    first = Warehouse.open(tmp_path / "first.duckdb", create=True)
    Writer(first).add_run(make_run())
    assert kept(cache).exists()
    second = Warehouse.open(tmp_path / "second.duckdb", create=True)
    assert second.query("FROM runs").is_empty()


@pytest.mark.parametrize("damage", ["cut", "no database", "other schema", "a row"])
def test_a_damaged_one_is_made_anew(damage: str, cache: Path, tmp_path: Path) -> None:
    sound, _ = made(tmp_path / "first.duckdb")
    blank = kept(cache)
    if damage == "a row":
        Writer(Warehouse.open(blank)).add_run(make_run())
    elif damage == "other schema":
        with duckdb.connect(blank) as connection:
            connection.execute("ALTER TABLE runs ADD COLUMN strange INTEGER")
    else:
        content = blank.read_bytes()
        blank.write_bytes(content[: len(content) // 2] if damage == "cut" else b"nothing")
    assert made(tmp_path / "second.duckdb")[0] == sound
    assert Warehouse.open(tmp_path / "second.duckdb").query("FROM runs").is_empty()
    assert made(tmp_path / "third.duckdb")[0] == sound
    assert sorted(item.name for item in tmp_path.glob("*.duckdb")) == [
        "first.duckdb",
        "second.duckdb",
        "third.duckdb",
    ]


def test_that_of_another_version_is_removed(cache: Path, tmp_path: Path) -> None:
    cache.mkdir()
    (cache / "warehouse-0.duckdb").write_bytes(b"old")
    (cache / "prefect-0.db").write_bytes(b"another's")
    made(tmp_path / "first.duckdb")
    assert kept(cache).name != "warehouse-0.duckdb"
    assert (cache / "prefect-0.db").exists()


def test_a_cache_that_cannot_be_written_is_done_without(cache: Path, tmp_path: Path) -> None:
    cache.write_bytes(b"a file, no folder")
    assert made(tmp_path / "first.duckdb")[0] == made(tmp_path / "second.duckdb")[0]
