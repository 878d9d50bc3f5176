"""A migrated, empty Prefect database: made once for a Prefect, put into every home that is new."""

import os
import shutil
import sqlite3
import tempfile
import uuid
from contextlib import closing, suppress
from importlib.metadata import version
from pathlib import Path

from lamas.domain.user_cache import keep, kept

DATABASE = "prefect.db"
NOT_SQLITE_OF_THE_HOME = (
    "PREFECT_API_DATABASE_CONNECTION_URL",
    "PREFECT_SERVER_DATABASE_CONNECTION_URL",
)
READY = {
    "PREFECT_API_DATABASE_MIGRATE_ON_START": "false",
    "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
    # What says whether they changed imports every package that brings some: Dask with one of them.
    "PREFECT_MEMOIZE_BLOCK_AUTO_REGISTRATION": "false",
}
RECORDS = ("flow", "flow_run", "task_run", "deployment", "log", "artifact", "block_document")
"""Tables that are empty before anything was recorded."""
OF_ITS_SERVER = ("csrf_token", "events", "event_resources", "configuration")
"""Tables of which a new home gets nothing: what the server that made the database put there."""


def start_settings(home: Path) -> dict[str, str]:
    """What a server of `home` need not do at its start; a home without a database gets one.

    Migrating an empty database and registering its block types takes longer than all else.
    """
    blank = _blank()
    if blank is None:
        return {}
    database = home / DATABASE
    with suppress(OSError, sqlite3.Error):
        if not database.exists():
            _put(blank, database)
        if _state(database) == _state(blank):
            return READY
    return {}


def is_ready(home: Path) -> bool:
    """Whether a server of `home` migrates nothing at its start: it may be ended at any moment."""
    blank, database = _blank(), home / DATABASE
    with suppress(OSError, sqlite3.Error):
        if blank is not None:
            return _state(database if database.exists() else blank) == _state(blank)
    return False


def keep_blank(home: Path) -> None:
    """Keep the database of a server that has just started for other homes, if it is still empty."""
    if kept(_name()) is not None or any(name in os.environ for name in NOT_SQLITE_OF_THE_HOME):
        return
    with tempfile.TemporaryDirectory(prefix="lamas-prefect-") as folder, suppress(sqlite3.Error):
        copy = Path(folder) / DATABASE
        with closing(_opened(home / DATABASE)) as used, closing(sqlite3.connect(copy)) as blank:
            used.backup(blank)
            if any(_rows(blank, table) for table in RECORDS) or not _rows(blank, "block_type"):
                return
            for table in OF_ITS_SERVER:
                blank.execute(f"DELETE FROM {table}")
            blank.commit()
            blank.execute("PRAGMA journal_mode = DELETE")
            blank.execute("VACUUM")
        keep(_name(), copy.read_bytes())


def _blank() -> Path | None:
    """What is kept; None also where the database is none of the home's."""
    elsewhere = any(name in os.environ for name in NOT_SQLITE_OF_THE_HOME)
    return None if elsewhere else kept(_name())


def _name() -> str:
    return f"prefect-{version('prefect')}.db"


def _put(blank: Path, database: Path) -> None:
    unfinished = database.with_name(f".{DATABASE}.{uuid.uuid4().hex}")
    try:
        shutil.copyfile(blank, unfinished)
        unfinished.chmod(0o600)
        with closing(_opened(unfinished)) as copy:
            (found,) = copy.execute("PRAGMA quick_check").fetchone()
        if found == "ok":
            # A link, not a rename: a database that came into being meanwhile stays.
            with suppress(FileExistsError):
                database.hardlink_to(unfinished)
    finally:
        unfinished.unlink(missing_ok=True)


def _state(database: Path) -> tuple[object, bool]:
    """How far it is migrated, and whether the types of blocks are in it."""
    with closing(_opened(database)) as connection:
        applied = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        return applied, _rows(connection, "block_type") > 0


def _opened(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=10)


def _rows(connection: sqlite3.Connection, table: str) -> int:
    (found,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(found)
