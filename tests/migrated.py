"""A Prefect database as a server leaves it after its migrations, for servers that start later."""

import shutil
import sqlite3
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import pytest

MEMORY = "memo_store.toml"
"""What a server notes so that it does not register its blocks again."""


class Migrated:
    """Kept in pytest's cache, by Prefect's version; the first server of all makes it."""

    def __init__(self, cache: pytest.Cache) -> None:
        self.folder = cache.mkdir(f"prefect-{version('prefect')}")

    @property
    def there(self) -> bool:
        return (self.folder / MEMORY).exists()

    def home(self, path: Path) -> Path:
        """`path` as the home folder of a server that finds its tables made, if they ever were."""
        path.mkdir(parents=True, exist_ok=True)
        if self.there:
            for name in ("prefect.db", MEMORY):
                shutil.copy(self.folder / name, path / name)
                (path / name).chmod(0o600)
        return path

    def keep(self, path: Path) -> None:
        """Keep what the server on `path`, which answers, has made."""
        if not self.there and (path / MEMORY).exists():
            with (
                closing(sqlite3.connect(path / "prefect.db")) as made,
                closing(sqlite3.connect(self.folder / "prefect.db")) as kept,
            ):
                made.backup(kept)
            # Last: from now on it is there.
            shutil.copy(path / MEMORY, self.folder / MEMORY)
