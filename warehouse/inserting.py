"""Rows into a table: those that are new, and none that contradicts what is stored."""

import duckdb

from lamas.errors import WarehouseError
from warehouse.arrow import ArrowTable
from warehouse.schema import Table


def insert(connection: duckdb.DuckDBPyConnection, table: Table, incoming: ArrowTable) -> None:
    """Rows whose key is not stored; WarehouseError when a stored one says something else."""
    if incoming.num_rows:
        connection.register("incoming", incoming)
        _refuse_contradictions(connection, table)
        connection.execute(f"INSERT INTO {table.name} BY NAME FROM incoming ON CONFLICT DO NOTHING")
        connection.unregister("incoming")


def append(connection: duckdb.DuckDBPyConnection, table: Table, incoming: ArrowTable) -> None:
    """Rows whose keys nobody has stored, without looking."""
    if incoming.num_rows:
        connection.register("incoming", incoming)
        connection.execute(f"INSERT INTO {table.name} BY NAME FROM incoming")
        connection.unregister("incoming")


def _refuse_contradictions(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    if not table.contradicts:
        return
    same = " AND ".join(f"stored.{name} = incoming.{name}" for name in table.key)
    differs = [f"stored.{name} IS DISTINCT FROM incoming.{name}" for name in table.contradicts]
    found = connection.execute(
        f"SELECT {', '.join(f'stored.{name}' for name in table.key)}, {', '.join(differs)} "
        f"FROM {table.name} AS stored JOIN incoming ON {same} WHERE {' OR '.join(differs)} LIMIT 1"
    ).fetchone()
    if found is not None:
        key = "/".join(str(part) for part in found[: len(table.key)])
        flags = found[len(table.key) :]
        names = [name for name, flag in zip(table.contradicts, flags, strict=True) if flag]
        raise WarehouseError(
            f"{table.name} {key} is already stored with another {', '.join(names)}: "
            "stored rows never change; use another warehouse for the new values"
        )


def known(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, values: list[str]
) -> set[str]:
    """Which of `values` stand in a column."""
    found = connection.execute(
        f"SELECT {column} FROM {table} WHERE {column} IN (SELECT unnest(?))", [values]
    ).fetchall()
    return {value for (value,) in found}
