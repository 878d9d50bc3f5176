"""Embeddings that were computed once, in one SQLite file, by digest of text and encoder."""

import logging
import sqlite3
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lamas.errors import ConfigurationError, unwritable

logger = logging.getLogger(__name__)

EMBEDDING_SIZE = 384
"""Numbers in an embedding."""
BUSY_SECONDS = 30.0
"""How long to wait for another process that is writing."""
_KEYS_AT_ONCE = 500
_SCHEMA = """
CREATE TABLE IF NOT EXISTS embeddings (key TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID
"""


_STRANGE = "SELECT name FROM sqlite_master WHERE type NOT IN ('table', 'index') LIMIT 1"
NORM_TOLERANCE = 1e-2
"""By which the length of an embedding may differ from 1."""


class EmbeddingStore:
    """Vectors by key; holds no texts. Several threads and processes may use one file.

    A file that is lost or deleted costs time, never a result; neither does a row that can be no
    embedding, which is deleted, or a file with more in it than a table, which is refused.
    """

    def __init__(self, path: Path) -> None:
        """The file is made by the first `put`."""
        self.path = path
        self._lock = threading.Lock()

    def get(self, keys: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The stored vectors among `keys`; ConfigurationError when the file is something else."""
        found: dict[str, NDArray[np.float32]] = {}
        if not self.path.exists():
            return found
        with self._lock, self._opened() as connection:
            for start in range(0, len(keys), _KEYS_AT_ONCE):
                some = keys[start : start + _KEYS_AT_ONCE]
                places = ", ".join("?" * len(some))
                rows = connection.execute(
                    f"SELECT key, vector FROM embeddings WHERE key IN ({places})", some
                )
                for key, stored in rows.fetchall():
                    vector = _vector(stored)
                    if vector is None:
                        self._forget(connection, key)
                    else:
                        found[key] = vector
        return found

    def put(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Keep vectors in one transaction; UnwritableError when they cannot be written."""
        with self._lock, self._opened() as connection, connection:
            connection.executemany(
                "INSERT OR IGNORE INTO embeddings VALUES (?, ?)",
                ((key, vector.astype("<f4").tobytes()) for key, vector in vectors.items()),
            )

    def _forget(self, connection: sqlite3.Connection, key: str) -> None:
        logger.warning("%s holds what is no embedding: it is computed again", self.path)
        with connection:
            connection.execute("DELETE FROM embeddings WHERE key = ?", (key,))

    @contextmanager
    def _opened(self) -> Generator[sqlite3.Connection]:
        connection: sqlite3.Connection | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS)
            strange = connection.execute(_STRANGE).fetchone()
            if strange is not None:
                # It would run with every row that is looked up or kept.
                raise sqlite3.DatabaseError(f"it holds more than tables: {strange[0]}")
            connection.execute(_SCHEMA)
            yield connection
        except (sqlite3.OperationalError, OSError) as error:
            raise unwritable(self.path, str(error)) from None
        except sqlite3.Error as error:
            raise ConfigurationError(
                f"the embeddings kept in {self.path} cannot be used ({error}): delete the file, "
                "they are computed again"
            ) from None
        finally:
            if connection is not None:
                connection.close()


def _vector(stored: object) -> NDArray[np.float32] | None:
    """The embedding that a cell holds; None when it can be none."""
    if not isinstance(stored, bytes) or len(stored) != EMBEDDING_SIZE * 4:
        return None
    vector = np.frombuffer(stored, dtype="<f4")
    # A number that is none, or infinite, fails this too.
    right = abs(float(np.linalg.norm(vector.astype(np.float64))) - 1.0) <= NORM_TOLERANCE
    return vector if right else None
