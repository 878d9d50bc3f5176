"""Embeddings that were computed once, in one SQLite file, by digest of text and encoder."""

import sqlite3
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lamas.errors import ConfigurationError, unwritable

BUSY_SECONDS = 30.0
"""How long to wait for another process that is writing."""
_KEYS_AT_ONCE = 500
_SCHEMA = """
CREATE TABLE IF NOT EXISTS embeddings (key TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID
"""


class EmbeddingStore:
    """Vectors by key; holds no texts. Several threads and processes may use one file.

    A file that is lost or deleted costs time, never a result.
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
                found |= {key: np.frombuffer(vector, dtype="<f4") for key, vector in rows}
        return found

    def put(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Keep vectors in one transaction; UnwritableError when they cannot be written."""
        with self._lock, self._opened() as connection, connection:
            connection.executemany(
                "INSERT OR IGNORE INTO embeddings VALUES (?, ?)",
                ((key, vector.astype("<f4").tobytes()) for key, vector in vectors.items()),
            )

    @contextmanager
    def _opened(self) -> Generator[sqlite3.Connection]:
        connection: sqlite3.Connection | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS)
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
