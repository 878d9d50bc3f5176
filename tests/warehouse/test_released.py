"""A populated file of every schema there ever was comes forward with nothing lost."""

from pathlib import Path

import duckdb
import pytest

from warehouse import Warehouse
from warehouse.migration import Schema, migrate, packaged_schema

SCHEMA = packaged_schema()
IN_ORDER = (
    "runs",
    "problems",
    "rollouts",
    "decisions",
    "operator_invocations",
    "model_calls",
    "tool_executions",
    "critical_path_labels",
    "credits",
)


def released(number: int, path: Path, rows: Path) -> dict[str, int]:
    """A file as the schema of that number had it, with the rows it could hold; their counts."""
    with duckdb.connect(str(path)) as connection:
        migrate(
            connection, path, Schema(migrations=SCHEMA.migrations[:number], macros=(), views=())
        )
        connection.execute(f"ATTACH '{rows}' AS rich (READ_ONLY)")
        parts = [("runs", "true"), *(("checkpoints", f"step = {step}") for step in range(3))]
        parts += [(table, "true") for table in IN_ORDER[1:]]
        for table, condition in parts:
            connection.execute(
                f"INSERT INTO {table} BY NAME SELECT {columns(connection, table)} "
                f"FROM rich.{table} WHERE {condition}"
            )
        return {
            table: connection.sql(f"SELECT count(*) FROM {table}").fetchall()[0][0]
            for table in (*IN_ORDER, "checkpoints")
        }


def columns(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """Those the old schema had."""
    found = connection.execute(
        "SELECT column_name FROM duckdb_columns() "
        "WHERE table_name = ? AND database_name = current_database() ORDER BY column_index",
        [table],
    ).fetchall()
    return ", ".join(name for (name,) in found)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, len(SCHEMA.migrations) + 1))
def test_every_released_schema_comes_forward(number: int, full: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "old.duckdb"
    before = released(number, path, full.path)
    assert before["rollouts"] == 100
    assert before["credits"] > 100
    warehouse = Warehouse.open(path)
    assert warehouse.query("SELECT max(version) FROM schema_version").item() == len(
        SCHEMA.migrations
    )
    for table, count in before.items():
        assert warehouse.query(f"SELECT count(*) FROM {table}").item() == count, table
    for view in SCHEMA.views:
        warehouse.query(f"FROM {view.name}")
    assert [result.name for result in warehouse.audit() if result.rows.height] == []
    same = "FROM rollouts ORDER BY rollout_id"
    assert warehouse.query(same).equals(full.query(same))
