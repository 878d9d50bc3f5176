"""How a DuckDB file that one process at a time may hold is opened, asked and let go again."""

import random
import re
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import cast

import duckdb
import polars as pl

from lamas.errors import WarehouseError, unwritable
from warehouse.instances import HELD, Instances

FIRST_PAUSE_SECONDS = 0.005
LONGEST_PAUSE_SECONDS = 0.25
INTERRUPT_SECONDS = 0.05
_NO_COLUMN = re.compile(r"\b(INTERVAL|UNION)\b")
"""Types that a frame has no column for."""
ROWS_IN_GROUP = 16_384
"""Rows that are compressed together and scanned by one thread; bounds the memory of a writer."""

# DuckDB tells these apart by text alone: another process holds the file; this process holds it in
# the other mode (reading against writing); this process is just closing it.
_BUSY = (
    "Could not set lock on file",
    "different configuration than existing connections",
    HELD,
)
_UNWRITABLE = (
    "Permission denied",
    "Operation not permitted",
    "read-only",
    "Read-only",
    "No space left",
)
_HOLDER = re.compile(r"Conflicting lock is held in (?P<program>.*?) \(PID (?P<pid>\d+)\)")


_Config = dict[str, str | bool | int | float | list[str]]
_PARTS = ("", ".wal", ".wal.checkpoint", ".wal.recovery")
"""Files that make up one that was not closed, by what follows its name."""

# Given when a file is opened: readers of one process that share it are confined alike.
_CONFINED: _Config = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
_LOCKED = "SET enable_external_access = false; SET lock_configuration = true"
# Polars holds texts the same way: they need not be copied once more.
_TEXTS: _Config = {
    "arrow_output_version": "1.4",
    "produce_arrow_string_view": True,
}
_READING = Instances()
_WRITING = Instances()


@contextmanager
def connect(
    path: Path,
    *,
    read_only: bool,
    timeout_seconds: float,
    folder: Path | None = None,
    unrestricted: bool = False,
    foreign: bool = False,
) -> Generator[duckdb.DuckDBPyConnection]:
    """A connection for the length of a `with` block; waits for whoever holds the file.

    A reader reaches no other file of the machine and no network, whatever the views in the file
    say; those in `folder` if one is given, all if `unrestricted`. Statements that are not the
    program's own are `foreign`: they could attach this file for writing, and reach it read-only.

    Raises WarehouseError when the file cannot be opened, or is still held after
    `timeout_seconds`.
    """
    path = path.absolute()
    with ExitStack() as stack:

        def opened() -> duckdb.DuckDBPyConnection:
            if not read_only:
                options = f"ROW_GROUP_SIZE {ROWS_IN_GROUP}"
                return stack.enter_context(_WRITING.attached(path, _free, options, alone=True))
            if not (unrestricted or foreign or folder):
                start = partial(_bound_to, path)
                return stack.enter_context(_READING.attached(path, start, "READ_ONLY", alone=False))
            return stack.enter_context(
                closing(_alone(path, confined=not unrestricted, folder=folder))
            )

        yield _silent(_patient(opened, path, timeout_seconds))


def forget_instances() -> None:
    """Give back what is kept to open files faster; the next one opened starts its own."""
    _READING.give_back()
    _WRITING.give_back()


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Generator[None]:
    """All statements of the block or none of them."""
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def write_failed(error: duckdb.Error) -> bool:
    """Whether the disk or its permissions, not what was to be written, made a write fail."""
    # A commit that cannot write its log says so in an error of its own.
    at_commit = isinstance(error, duckdb.TransactionException)
    return isinstance(error, duckdb.IOException) or (
        at_commit and any(sign in str(error) for sign in _UNWRITABLE)
    )


def fetch(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] = ()
) -> pl.DataFrame:
    """The rows of `sql` as a frame (no columns for a statement that returns nothing)."""
    try:
        statements = connection.extract_statements(sql)
        if len(statements) != 1:
            raise WarehouseError(f"give one SQL statement at a time, got {len(statements)}")
        # What the stubs leave out: a statement without a result gives None.
        relation = cast(
            "duckdb.DuckDBPyRelation | None", connection.sql(sql, params=list(parameters))
        )
        return pl.DataFrame() if relation is None else _frame(relation)
    except duckdb.PermissionException as error:
        raise WarehouseError(
            f"this query would use other files than the warehouse ({_reason(error)}): "
            "`lamas sql --unrestricted` lets a query that you trust do so"
        ) from error
    except duckdb.InvalidInputException as error:
        if "read-only" not in str(error):
            raise _wrong(error) from error
        raise WarehouseError(
            "this statement would change the warehouse, which only the flows may do: "
            "write a SELECT, or work on a copy of the file"
        ) from error
    except duckdb.Error as error:
        raise _wrong(error) from error


def fetch_until_interrupted(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] = ()
) -> pl.DataFrame:
    """As `fetch`; an exception that a signal raises in this thread ends the query at once."""
    # DuckDB hears of no signal but SIGINT, and of that one late.
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(fetch, connection, sql, parameters)
        try:
            # With pauses: where the signal meets another thread, this one is not woken.
            while not wait([answer], INTERRUPT_SECONDS).done:
                pass
            return answer.result()
        finally:
            # Again and again: an interruption before the query has begun is lost.
            while not answer.done():
                connection.interrupt()
                wait([answer], INTERRUPT_SECONDS)


def quoted(name: str) -> str:
    """A name of a table or view as it may stand in SQL, whatever it consists of."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _frame(relation: duckdb.DuckDBPyRelation) -> pl.DataFrame:
    strange = [
        f"{name} ({kind})"
        for name, kind in zip(relation.columns, relation.types, strict=True)
        if _NO_COLUMN.search(str(kind))
    ]
    if strange:
        raise WarehouseError(f"no table holds {', '.join(strange)}: cast it to VARCHAR")
    try:
        # Read as a stream, piece by piece: whole, it would lie in memory twice.
        return pl.DataFrame(relation)
    except pl.exceptions.PolarsError as error:
        raise _wrong(error) from error


def _patient(
    opened: Callable[[], duckdb.DuckDBPyConnection], path: Path, timeout_seconds: float
) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + timeout_seconds
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return opened()
        except duckdb.Error as error:
            message = str(error)
            if not any(sign in message for sign in _BUSY):
                raise _unusable(path, message) from error
            if time.monotonic() + pause > deadline:
                raise WarehouseError(_busy_message(path, message, timeout_seconds)) from error
        # Jitter keeps two waiting writers from knocking at the same instants for ever.
        time.sleep(pause * random.uniform(0.5, 1.5))
        pause = min(pause * 1.6, LONGEST_PAUSE_SECONDS)


def _silent(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Without a bar of its progress, which would appear among the rows that a command prints."""
    # Whoever shares a confined file may change nothing any more.
    with suppress(duckdb.InvalidInputException):
        connection.execute("SET enable_progress_bar = false")
    return connection


def _free() -> duckdb.DuckDBPyConnection:
    return _silent(duckdb.connect(":memory:"))


def _bound_to(path: Path) -> duckdb.DuckDBPyConnection:
    """An instance that may open this one file."""
    spill: _Config = {"temp_directory": f"{path}.tmp"}
    instance = _silent(duckdb.connect(":memory:", config=_TEXTS | _CONFINED | spill))
    instance.execute("SET allowed_paths = $1", [[f"{path}{part}" for part in _PARTS]])
    instance.execute(_LOCKED)
    return instance


def _alone(path: Path, *, confined: bool, folder: Path | None) -> duckdb.DuckDBPyConnection:
    """The file as an instance of its own, which no statement can make writable."""
    connection = duckdb.connect(
        str(path), read_only=True, config=_TEXTS | (_CONFINED if confined else {})
    )
    # Refused where another reader of this process confined the file before.
    with suppress(duckdb.InvalidInputException):
        if folder is not None:
            connection.execute("SET allowed_directories = $1", [[f"{folder}/"]])
        if confined:
            connection.execute(_LOCKED)
    return connection


def _busy_message(path: Path, message: str, timeout_seconds: float) -> str:
    holder = _HOLDER.search(message)
    who = (
        f"process {holder['pid']} ({Path(holder['program']).name})"
        if holder
        else "another connection"
    )
    return (
        f"warehouse {path} is still held by {who} after {timeout_seconds:g} s: "
        "let that program finish or close it, then repeat the command"
    )


def _unusable(path: Path, message: str) -> WarehouseError:
    if "not a valid DuckDB database" in message:
        return WarehouseError(
            f"{path} is not a DuckDB file, or its header is damaged: "
            "check the configured warehouse path, or restore the file from a copy"
        )
    if any(sign in message for sign in _UNWRITABLE):
        return unwritable(path, message.splitlines()[0])
    return WarehouseError(
        f"warehouse {path} cannot be opened ({message.splitlines()[0]}): "
        "check the path, or restore the file from a copy"
    )


def _reason(error: Exception) -> str:
    # DuckDB goes on with the line and a caret below it: no part of a sentence.
    return " ".join(str(error).split("\nLINE ", 1)[0].split()).rstrip(".")


def _wrong(error: Exception) -> WarehouseError:
    return WarehouseError(
        f"the query cannot be answered: {_reason(error)}; "
        '`lamas sql "SHOW TABLES"` lists what there is'
    )
