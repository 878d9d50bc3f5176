"""A migrated, empty warehouse: made once for a schema and a DuckDB, copied for every new one.

Migrating an empty file takes a second, ten times as long as all else of making one.
"""

import shutil
import time
from contextlib import suppress
from pathlib import Path

import duckdb

from lamas.domain.user_cache import keep, kept
from lamas.errors import WarehouseError
from warehouse.connection import connect
from warehouse.migration import Schema, migrate, needs_migration

_ROWS = (
    "SELECT sum(estimated_size) FROM duckdb_tables() WHERE NOT starts_with(table_name, 'schema_')"
)


def make_empty(path: Path, schema: Schema, *, timeout_seconds: float) -> None:
    """A warehouse without rows at `path`, where nothing is yet.

    Raises OSError or WarehouseError when the file cannot be made.
    """
    name = f"warehouse-{schema.digest}.duckdb"
    blank = kept(name)
    if blank is not None and _copied(blank, path, schema, timeout_seconds):
        return
    path.unlink(missing_ok=True)
    with connect(path, read_only=False, timeout_seconds=timeout_seconds) as fresh:
        migrate(fresh, path, schema)
    keep(name, path.read_bytes(), instead_of="warehouse-*.duckdb")


def _copied(blank: Path, path: Path, schema: Schema, timeout_seconds: float) -> bool:
    """Whether `path` is a sound copy now; what lies in a cache may be damaged or filled."""
    with suppress(OSError, WarehouseError, duckdb.Error):
        shutil.copyfile(blank, path)
        with connect(path, read_only=False, timeout_seconds=timeout_seconds) as copy:
            if not needs_migration(copy, path, schema) and copy.execute(_ROWS).fetchone() == (0,):
                copy.execute("UPDATE schema_version SET applied_at = ?", [time.time()])
                return True
    return False
