"""A response store that somebody else filled: refused, or its records set aside."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lamas.errors import ConfigurationError
from lamas.llm import ResponseStore
from tests.factories import make_call

pytestmark = pytest.mark.attack


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with ResponseStore(tmp_path / "responses.sqlite", run_id="run") as store:
        store.put("k", (make_call(10),))
    return tmp_path / "responses.sqlite"


def changed(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TRIGGER x AFTER INSERT ON responses BEGIN DELETE FROM responses; END"],
        [
            "CREATE TRIGGER x AFTER INSERT ON responses BEGIN INSERT INTO responses SELECT i, '', "
            "0, '' FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
            "SELECT i FROM n); END"
        ],
        ["ALTER TABLE responses RENAME TO y", "CREATE VIEW responses AS SELECT * FROM y"],
    ],
)
def test_what_would_run_with_every_answer_is_refused(path: Path, statements: list[str]) -> None:
    changed(path, *statements)
    with pytest.raises(ConfigurationError, match=r"it holds more than tables: (x|responses)"):
        ResponseStore(path, run_id="run")


@pytest.mark.parametrize(
    "attempts",
    [
        "CAST(x'eda080' AS TEXT)",
        "x'ff00fe'",
        "'" + "[" * 100_000 + "]" * 100_000 + "'",
        "json_set(attempts, '$[0].cost_usd', 1e308)",
        "json_set(attempts, '$[0].status', char(27) || '[2J')",
        "'[]'",
    ],
)
def test_what_can_be_no_answer_is_set_aside(path: Path, attempts: str) -> None:
    changed(path, f"UPDATE responses SET attempts = {attempts}")
    with ResponseStore(path, run_id="run") as store:
        assert store.get("k") is None
        assert store.paid() == (0, 0.0)
        store.put("k", (make_call(10),))
        assert store.get("k") is not None
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM set_aside").fetchone() == (1,)
