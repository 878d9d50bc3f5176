"""How a file gets its schema: numbered migrations, forward only, each checked for later edits."""

import hashlib
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from lamas.domain.user_cache import keep, kept
from lamas.errors import WarehouseError
from warehouse.connection import quoted, transaction
from warehouse.schema import TABLES
from warehouse.sql_files import MACROS, MIGRATIONS, VIEWS, SqlFile, sql_files, views_in_order

_SCHEMA_VERSION = """
CREATE TABLE schema_version (
    version BIGINT PRIMARY KEY,
    name VARCHAR NOT NULL,
    checksum VARCHAR NOT NULL,
    columns_digest VARCHAR NOT NULL,
    applied_at DOUBLE NOT NULL
);
COMMENT ON TABLE schema_version IS 'One applied migration';
COMMENT ON COLUMN schema_version.version IS 'Number of the migration, from 1';
COMMENT ON COLUMN schema_version.name IS 'File name of the migration';
COMMENT ON COLUMN schema_version.checksum IS 'SHA-256 of the file when it was applied';
COMMENT ON COLUMN schema_version.columns_digest IS 'SHA-256 of all columns and types after it';
COMMENT ON COLUMN schema_version.applied_at IS 'Seconds since 1970-01-01 UTC';
CREATE TABLE schema_views (digest VARCHAR NOT NULL);
COMMENT ON TABLE schema_views IS 'The set of views that the file holds, one row';
COMMENT ON COLUMN schema_views.digest IS 'SHA-256 of all macro and view files';
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Schema:
    """The migrations, macros and views that a warehouse must hold."""

    migrations: tuple[SqlFile, ...]
    macros: tuple[SqlFile, ...]
    views: tuple[SqlFile, ...]

    @property
    def digest(self) -> str:
        """Of everything in it and of the DuckDB that reads it."""
        files = (*self.migrations, *self.macros, *self.views)
        return _digest([duckdb.__version__, *(file.text for file in files)])

    @property
    def views_digest(self) -> str:
        files = (*self.macros, *self.views)
        return _digest([f"{file.name}:{file.checksum}" for file in files])


def packaged_schema() -> Schema:
    """The schema of this code."""
    return Schema(
        migrations=sql_files(MIGRATIONS),
        macros=sql_files(MACROS),
        views=views_in_order(sql_files(VIEWS)),
    )


def needs_migration(connection: duckdb.DuckDBPyConnection, path: Path, schema: Schema) -> bool:
    """Whether migrations or views are missing.

    Raises WarehouseError when the file is no warehouse, was made by a newer version, or had its
    schema or its migrations edited.
    """
    if not _exists(connection, "schema_version"):
        if _tables(connection):
            raise WarehouseError(
                f"{path} is a DuckDB file but no LAMaS warehouse (it has no schema_version table): "
                "choose another warehouse path"
            )
        return True
    applied = _applied(connection)
    _check(applied, path, schema)
    if applied and applied[-1][3] != _columns_digest(connection):
        raise WarehouseError(
            f"the tables of warehouse {path} were altered by hand after migration "
            f"{applied[-1][0]}: undo that, or copy the data into a new warehouse"
        )
    if len(applied) < len(schema.migrations):
        return True
    stored = connection.execute("SELECT digest FROM schema_views").fetchone()
    # The digest is what the file says of itself; what its views do, they say themselves.
    return (
        stored is None
        or stored[0] != schema.views_digest
        or _made_of(connection) != _made_expected(schema)
    )


def migrate(connection: duckdb.DuckDBPyConnection, path: Path, schema: Schema) -> None:
    """Apply what is missing, each migration in its own transaction, then renew the views."""
    if not needs_migration(connection, path, schema):
        return
    if not _exists(connection, "schema_version"):
        with transaction(connection):
            connection.execute(_SCHEMA_VERSION)
    done = len(_applied(connection))
    for number, migration in enumerate(schema.migrations[done:], start=done + 1):
        with transaction(connection):
            connection.execute(migration.text)
            connection.execute(
                "INSERT INTO schema_version VALUES (?, ?, ?, ?, ?)",
                [
                    number,
                    migration.name,
                    migration.checksum,
                    _columns_digest(connection),
                    time.time(),
                ],
            )
    with transaction(connection):
        _renew_views(connection, schema)


def _renew_views(connection: duckdb.DuckDBPyConnection, schema: Schema) -> None:
    stale = connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    for (name,) in stale:
        connection.execute(f"DROP VIEW IF EXISTS {quoted(name)}")
    # One of another's making may have the name of a function that the views use.
    for name, kind, _, _ in _macros(connection):
        connection.execute(f"DROP {kind} IF EXISTS {quoted(name)}")
    for file in (*schema.macros, *schema.views):
        connection.execute(file.text)
    for view in schema.views:
        headline = view.headline.replace("'", "''")
        connection.execute(f"COMMENT ON VIEW {view.name} IS '{headline}'")
    connection.execute("DELETE FROM schema_views")
    connection.execute("INSERT INTO schema_views VALUES (?)", [schema.views_digest])


def _made_of(connection: duckdb.DuckDBPyConnection) -> str:
    """Digest of every view and macro as DuckDB holds it."""
    views = connection.execute(
        "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal ORDER BY view_name"
    ).fetchall()
    return _digest([repr(row) for row in [*views, *_macros(connection)]])


def _macros(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str, str]]:
    """Name, kind, parameters and definition of every macro."""
    return connection.execute(
        "SELECT function_name, if(function_type = 'table_macro', 'MACRO TABLE', 'MACRO'), "
        "parameters::VARCHAR, macro_definition FROM duckdb_functions() "
        "WHERE NOT internal AND function_type IN ('macro', 'table_macro') ORDER BY ALL"
    ).fetchall()


def _made_expected(schema: Schema) -> str:
    """Digest of what `schema` makes; found out once for a schema and a DuckDB."""
    name = f"made-{schema.digest}"
    known = kept(name)
    if known is not None:
        with suppress(OSError, UnicodeDecodeError):
            return known.read_text("ascii")
    with closing(duckdb.connect(":memory:")) as empty:
        for file in (*schema.migrations, *schema.macros, *schema.views):
            empty.execute(file.text)
        found = _made_of(empty)
    keep(name, found.encode())
    return found


def _check(applied: list[tuple[int, str, str, str]], path: Path, schema: Schema) -> None:
    known = len(schema.migrations)
    for place, (version, name, checksum, _) in enumerate(applied, start=1):
        if version > known:
            raise WarehouseError(
                f"warehouse {path} has schema version {applied[-1][0]}, this program knows only "
                f"{known}: use a newer version of the program, or another warehouse"
            )
        migration = schema.migrations[place - 1]
        if version != place or migration.checksum != checksum:
            raise WarehouseError(
                f"migration {version} ({name}) of warehouse {path} differs from the file "
                f"{migration.name}.sql of this program: migrations are never edited once applied; "
                "restore the file, or start a new warehouse"
            )


def _applied(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, str, str, str]]:
    return connection.execute(
        "SELECT version, name, checksum, columns_digest FROM schema_version ORDER BY version"
    ).fetchall()


def _exists(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    return table in _tables(connection)


def _tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    rows = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    return {name for (name,) in rows}


def _columns_digest(connection: duckdb.DuckDBPyConnection) -> str:
    rows = connection.execute(
        "SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns() "
        "WHERE NOT internal ORDER BY table_name, column_index"
    ).fetchall()
    ours = {table.name for table in TABLES}
    return _digest([repr(row) for row in rows if row[0] in ours])


def _digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
