"""Rollouts on their way into the warehouse: Parquet files that any process may write."""

import os
import shutil
import uuid
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import duckdb
import polars as pl

from lamas.domain.texts import Texts
from lamas.errors import WarehouseError
from warehouse.arrow import Layout, arrow_table, layout_of
from warehouse.migration import migrate, packaged_schema
from warehouse.schema import (
    CHAIN_OUTCOMES,
    DECISIONS,
    INVOCATIONS,
    LABELS,
    MODEL_CALLS,
    OBSERVATIONS,
    ROLLOUTS,
    TABLES,
    TOOL_EXECUTIONS,
)
from warehouse.warehouse import Warehouse
from warehouse.writer import LabelledRollout, RolloutParts, rollout_parts

UNFINISHED = ".unfinished"

_BY_ID = {
    ROLLOUTS.name: "rollout",
    DECISIONS.name: "rollout",
    INVOCATIONS.name: "rollout",
    MODEL_CALLS.name: "invocation",
    TOOL_EXECUTIONS.name: "invocation",
    LABELS.name: "invocation",
    CHAIN_OUTCOMES.name: "rollout",
    OBSERVATIONS.name: "rollout",
}
"""The tables that rollouts fill, in order, and whose identifier their rows carry."""


def write_landed(folder: Path, batch: Sequence[LabelledRollout], *, texts: Texts = "keep") -> None:
    """Write finished rollouts with their labels to a new `folder`, one Parquet file a table.

    The files have the columns of the warehouse's tables. The folder appears when all of it is
    on disk; one that is there stays as it is. `texts` as for `Writer`.
    Raises WarehouseError when it cannot be written.
    """
    write_parts(folder, rollout_parts(batch, texts))


def write_parts(folder: Path, parts: RolloutParts) -> None:
    """Write tables to a new `folder`, as `write_landed` does those of rollouts."""
    unfinished = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}{UNFINISHED}")
    try:
        unfinished.mkdir(parents=True)
        try:
            _write(unfinished, parts)
            if not folder.exists():
                unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    except (OSError, duckdb.IOException) as error:
        raise WarehouseError(
            f"finished rollouts cannot be left in {folder} ({error}): make room "
            "or correct the permissions, then start the same command again"
        ) from error


def read_landed(folder: Path) -> pl.DataFrame:
    """The rows of `rollouts` that lie in `folder`, after every file of it was read once.

    Raises WarehouseError for a file that is missing or damaged.
    """
    try:
        return {table: pl.read_parquet(landed_file(folder, table)) for table in _landed(folder)}[
            ROLLOUTS.name
        ]
    except (OSError, pl.exceptions.PolarsError) as error:
        raise WarehouseError(
            f"the finished rollouts in {folder} cannot be read ({error}): delete the folder and "
            "start the same command again; they run again from their stored answers"
        ) from error


def merge_landed(warehouse: Warehouse, folder: Path, landed: pl.DataFrame | None = None) -> int:
    """Store what lies in `folder`, in one transaction; returns how many rollouts were new.

    `landed` is what `read_landed` gave for it, where that was asked already. May be repeated: a
    rollout that is stored stays as it is, with all its parts. Raises WarehouseError, and stores
    nothing, when the folder is damaged.
    """
    rollouts = read_landed(folder) if landed is None else landed
    with warehouse.writing() as connection:
        return insert_landed(connection, folder, rollouts)


def insert_landed(
    connection: duckdb.DuckDBPyConnection, folder: Path, rollouts: pl.DataFrame
) -> int:
    """`merge_landed` within a transaction of the caller's."""
    connection.execute(
        "CREATE TEMP TABLE new_rollouts AS FROM (SELECT unnest($1) AS rollout_id) "
        "ANTI JOIN rollouts USING (rollout_id)",
        [rollouts["rollout_id"].to_list()],
    )
    connection.execute(
        "CREATE TEMP TABLE new_invocations AS SELECT invocation_id "
        "FROM read_parquet($1) SEMI JOIN new_rollouts USING (rollout_id)",
        [landed_file(folder, INVOCATIONS.name)],
    )
    for table in _landed(folder):
        identifier = _BY_ID[table]
        connection.execute(
            f"INSERT INTO {table} BY NAME FROM read_parquet($1) "
            f"SEMI JOIN new_{identifier}s USING ({identifier}_id)",
            [landed_file(folder, table)],
        )
    return len(connection.execute("FROM new_rollouts").fetchall())


def _landed(folder: Path) -> list[str]:
    """The tables of a folder: what an earlier version left there knows no observations."""
    return [
        table
        for table in _BY_ID
        if table != OBSERVATIONS.name or Path(landed_file(folder, table)).exists()
    ]


def _write(folder: Path, parts: RolloutParts) -> None:
    layouts = _layouts()
    with duckdb.connect() as connection:
        for table, columns in parts:
            layout, path = layouts[table.name], landed_file(folder, table.name)
            connection.register(
                "part", arrow_table(columns([field.name for field in layout]), layout)
            )
            connection.execute("COPY part TO $1 (FORMAT parquet, COMPRESSION zstd)", [path])
            with open(path, "rb") as file:
                os.fsync(file.fileno())


def landed_file(folder: Path, table: str) -> str:
    """Where the rows of a table lie in a folder that landed."""
    return str(folder / f"{table}.parquet")


@cache
def _layouts() -> dict[str, Layout]:
    """Columns of the tables without a warehouse at hand."""
    with duckdb.connect() as connection:
        migrate(connection, Path(":memory:"), packaged_schema())
        return {table.name: layout_of(connection, table.name) for table in TABLES}
