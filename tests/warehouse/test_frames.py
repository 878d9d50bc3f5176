"""A query's rows as a frame: the same as by way of pyarrow, whatever the columns hold."""

from pathlib import Path
from typing import cast

import duckdb
import polars as pl
import pytest

from lamas.errors import WarehouseError
from warehouse.connection import connect, fetch


def by_pyarrow(connection: duckdb.DuckDBPyConnection, sql: str) -> pl.DataFrame:
    return cast("pl.DataFrame", pl.from_arrow(connection.sql(sql).to_arrow_table(), rechunk=False))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("frames") / "any.duckdb"
    with duckdb.connect(str(path)) as fresh:
        fresh.execute("CREATE TABLE many AS SELECT range AS n, repeat('ä', range % 40) AS t, "
                      "[range, NULL] AS l FROM range(300000)")  # fmt: skip
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 AS a, NULL AS b, 'x' AS c, 2.5::DOUBLE AS d, true AS e",
        "FROM (VALUES (1, 'x', [1, 2], {'a': 1, 'b': 'q'})) AS t (i, s, l, st)",
        "FROM (VALUES (1, 'x', [1, 2], {'a': 1, 'b': 'q'})) AS t (i, s, l, st) WHERE i > 5",
        "SELECT NULL::INT[] AS l, {'a': NULL::INT} AS s, []::VARCHAR[] AS e",
        "SELECT [[1, NULL], NULL] AS ll, [{'a': 1}, NULL] AS ls, [1, 2]::FLOAT[2] AS ar",
        "SELECT 1.5::DECIMAL(10, 2) AS d, DATE '2020-01-01' AS c, 'x'::BLOB AS b, MAP {1: 2} AS m",
        "SELECT TIMESTAMP '2020-01-01 01:02:03' AS ts, '2020-01-01 01:02:03+02'::TIMESTAMPTZ AS tz",
        "SELECT 7::HUGEINT AS h, 5::UTINYINT AS u, 'a'::ENUM ('a', 'b') AS e, '[1]'::JSON AS j",
        "FROM many",
        "FROM many WHERE n < 0",
        "SHOW TABLES",
        "DESCRIBE many",
    ],
)
def test_a_frame_is_what_pyarrow_would_make_of_it(file: Path, sql: str) -> None:
    with connect(file, read_only=True, timeout_seconds=0) as connection:
        found, expected = fetch(connection, sql), by_pyarrow(connection, sql)
    assert found.schema == expected.schema
    assert found.equals(expected, null_equal=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT INTERVAL 1 DAY AS i", r"no table holds i \(INTERVAL\): cast it"),
        ("SELECT union_value(k := 1) AS u", r"no table holds u \(UNION"),
        ("SELECT 1 AS a, 2 AS a", "more than one"),
        ("SELECT CASE WHEN n > 299000 THEN error('late') ELSE n END AS n FROM many", "late"),
    ],
)
def test_what_makes_no_frame_is_a_sentence(file: Path, sql: str, reason: str) -> None:
    with (
        connect(file, read_only=True, timeout_seconds=0) as connection,
        pytest.raises(WarehouseError, match=reason),
    ):
        fetch(connection, sql)
