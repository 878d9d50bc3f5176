"""One warehouse file: opened, kept at the current schema, asked, and written in whole batches."""

import threading
import uuid
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path

import duckdb
import polars as pl

from lamas.errors import WarehouseError, unwritable
from warehouse.audit import AuditResult, run_audits
from warehouse.blank_file import make_empty
from warehouse.connection import (
    connect,
    fetch,
    fetch_until_interrupted,
    transaction,
    write_failed,
)
from warehouse.migration import Schema, migrate, needs_migration, packaged_schema

DEFAULT_TIMEOUT_SECONDS = 60.0

Begin = Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]
"""Opens a transaction: everything in its block is stored, or nothing."""


class Warehouse:
    """A DuckDB file at the current schema.

    DuckDB lets one process at a time write a file, and nobody read it meanwhile. Connections are
    therefore opened for each batch or query and closed at once, and whoever meets a held file
    waits up to `timeout_seconds`.
    """

    def __init__(self, path: Path, *, timeout_seconds: float) -> None:
        """Use `Warehouse.open`, which checks the file."""
        self._path = path
        self._timeout_seconds = timeout_seconds
        # Two threads of one process must not ask for reading and writing at once.
        self._lock = threading.RLock()

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        create: bool = False,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> "Warehouse":
        """The warehouse at `path`, migrated to the current schema if it is older.

        `create` makes a missing file (and its folder). Raises WarehouseError when the file is
        missing, held by another process for too long, not writable, damaged, no warehouse, newer
        than this program, or edited by hand.
        """
        path = Path(path).absolute()
        if not path.exists():
            if not create:
                raise WarehouseError(
                    f"there is no warehouse at {path}: run `lamas prepare` to make one, "
                    "or correct the path"
                )
            _create(path, timeout_seconds)
        elif not path.is_file():
            raise WarehouseError(f"warehouse path {path} is not a file: give the path of a file")
        warehouse = cls(path, timeout_seconds=timeout_seconds)
        warehouse.migrate(packaged_schema())
        return warehouse

    @property
    def path(self) -> Path:
        return self._path

    def migrate(self, schema: Schema) -> None:
        """Bring the file to `schema`; does nothing, and needs no write access, if it is there."""
        with self.reading() as connection:
            if not needs_migration(connection, self._path, schema):
                return
        with self._connection(read_only=False) as connection:
            migrate(connection, self._path, schema)

    def query(
        self, sql: str, parameters: Sequence[object] = (), *, run_id: str | None = None
    ) -> pl.DataFrame:
        """The rows of one statement that reads; `?` in it stand for `parameters`, and
        `getvariable('run_id')` for `run_id`.

        Raises WarehouseError when the statement is wrong or would change the warehouse.
        """
        with self.reading() as connection:
            if run_id is not None:
                connection.execute("SET VARIABLE run_id = $1", [run_id])
            return fetch(connection, sql, parameters)

    def ask(
        self, sql: str, *, run_id: str | None = None, unrestricted: bool = False
    ) -> pl.DataFrame:
        """As `query`, for somebody at a terminal: a signal ends the query at once.

        An `unrestricted` query may use other files of the machine.
        """
        with self._connection(
            read_only=True, unrestricted=unrestricted, foreign=True
        ) as connection:
            if run_id is not None:
                connection.execute("SET VARIABLE run_id = $1", [run_id])
            return fetch_until_interrupted(connection, sql)

    def audit(self) -> tuple[AuditResult, ...]:
        """Every audit over one and the same state; sound when no result holds a row."""
        with self.reading() as connection:
            return run_audits(connection)

    @contextmanager
    def reading(self) -> Generator[duckdb.DuckDBPyConnection]:
        """A connection that cannot write; while it is open nobody else writes either."""
        with self._connection(read_only=True) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Generator[duckdb.DuckDBPyConnection]:
        """A connection inside one transaction: everything in the block is stored, or nothing."""
        with self.holding() as begin, begin() as connection:
            yield connection

    @contextmanager
    def holding(self) -> Generator[Begin]:
        """Begins transactions one after another while nobody else can read or write.

        Opening and closing a large file costs about as much as a transaction: for a burst of them.
        """
        with self._connection(read_only=False) as connection:
            yield partial(self._transaction, connection)

    @contextmanager
    def _transaction(
        self, connection: duckdb.DuckDBPyConnection
    ) -> Generator[duckdb.DuckDBPyConnection]:
        try:
            with transaction(connection):
                yield connection
        except duckdb.Error as error:
            if write_failed(error):
                raise unwritable(self._path, _first_line(error)) from error
            raise WarehouseError(
                f"warehouse {self._path} refused a batch, nothing of it was stored: "
                f"{_first_line(error)}"
            ) from error

    @contextmanager
    def _connection(
        self, *, read_only: bool, unrestricted: bool = False, foreign: bool = False
    ) -> Generator[duckdb.DuckDBPyConnection]:
        with self._lock:
            self._refuse_if_gone()
            try:
                with connect(
                    self._path,
                    read_only=read_only,
                    timeout_seconds=self._timeout_seconds,
                    unrestricted=unrestricted,
                    foreign=foreign,
                ) as connection:
                    yield connection
            except duckdb.Error as error:
                if not read_only and write_failed(error):
                    raise unwritable(self._path, _first_line(error)) from error
                raise WarehouseError(
                    f"warehouse {self._path} cannot be {'read' if read_only else 'written'} "
                    f"({_first_line(error)}): make room if the disk is full; if the file is "
                    "damaged, restore a backup"
                ) from error

    def _refuse_if_gone(self) -> None:
        # DuckDB would make a new file in its place, without a table.
        if not self._path.exists():
            raise WarehouseError(
                f"warehouse {self._path} was deleted or moved away while it was in use: put the "
                "file back and start again, or restore a backup"
            )


def _create(path: Path, timeout_seconds: float) -> None:
    """Make the file under another name and move it in place: half a warehouse is never seen."""
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            make_empty(unfinished, packaged_schema(), timeout_seconds=timeout_seconds)
            # A link, not a rename: whoever made the file first in the meantime keeps it.
            with suppress(FileExistsError):
                path.hardlink_to(unfinished)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error.strerror or str(error)) from error


def _first_line(error: duckdb.Error) -> str:
    return str(error).strip().split("\n", 1)[0]
