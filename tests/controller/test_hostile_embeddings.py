"""A file of embeddings that somebody else filled: recomputed or refused, never taken for right."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from lamas.controller import EMBEDDING_SIZE, EmbeddingStore
from lamas.errors import ConfigurationError, LamasError

pytestmark = pytest.mark.attack

RIGHT = np.full(EMBEDDING_SIZE, EMBEDDING_SIZE**-0.5, dtype="<f4")


def changed(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    made = EmbeddingStore(tmp_path / "embeddings.sqlite")
    made.put({"k": RIGHT})
    return made


@pytest.mark.parametrize(
    "value",
    [
        b"abc",
        "text",
        7,
        b"",
        RIGHT[:5].tobytes(),
        np.full(EMBEDDING_SIZE, np.nan, dtype="<f4").tobytes(),
        np.full(EMBEDDING_SIZE, np.inf, dtype="<f4").tobytes(),
        np.full(EMBEDDING_SIZE, 3e38, dtype="<f4").tobytes(),
        np.zeros(EMBEDDING_SIZE, dtype="<f4").tobytes(),
    ],
)
def test_what_is_no_embedding_is_computed_again(store: EmbeddingStore, value: object) -> None:
    assert np.array_equal(store.get(["k"])["k"], RIGHT)
    changed(store.path, "UPDATE embeddings SET vector = ?", value)
    assert store.get(["k"]) == {}
    store.put({"k": RIGHT})
    assert np.array_equal(store.get(["k"])["k"], RIGHT)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER x AFTER INSERT ON embeddings BEGIN DELETE FROM embeddings; END",
        "CREATE VIEW x AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) "
        "SELECT i FROM n",
    ],
)
def test_what_would_run_by_itself_is_refused(store: EmbeddingStore, statement: str) -> None:
    changed(store.path, statement)
    for work in (lambda: store.get(["k"]), lambda: store.put({"z": RIGHT})):
        with pytest.raises(ConfigurationError, match=r"it holds more than tables: x.*delete"):
            work()


def test_other_files_are_sentences(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "garbage").write_bytes(b"garbage" * 1000)
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("folder", "garbage", "zero"):
        with pytest.raises(LamasError):
            EmbeddingStore(tmp_path / name).get(["k"])
