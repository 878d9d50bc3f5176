"""Responses that were paid for, in one SQLite file that outlives a killed process."""

import logging
import sqlite3
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from pydantic import TypeAdapter, ValidationError

from lamas.domain import ModelCall, ordered_sum
from lamas.errors import ConfigurationError, unwritable
from lamas.llm.call_flaw import answer_flaw

logger = logging.getLogger(__name__)

SCHEMA_VERSION = 2
BUSY_SECONDS = 30.0
"""How long to wait for another process that is writing."""
LONGEST_RECORD = 1 << 27
"""Characters of one call's attempts."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS responses (
    key TEXT PRIMARY KEY,
    attempts TEXT NOT NULL,
    stored_at REAL NOT NULL,
    run_id TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID
"""
_ADD_RUN = "ALTER TABLE responses ADD COLUMN run_id TEXT NOT NULL DEFAULT ''"
# Views and triggers would run with every answer that is looked up or kept.
_STRANGE = "SELECT name FROM sqlite_master WHERE type NOT IN ('table', 'index') LIMIT 1"
# A longer record than any that was kept is cut, and by that no record any more.
_TEXT = f"substr(attempts, 1, {LONGEST_RECORD})"
_GET = f"SELECT {_TEXT} FROM main.responses WHERE key = :key"
_GET_EARLIER = f"{_GET} UNION ALL SELECT {_TEXT} FROM earlier.responses WHERE key = :key LIMIT 1"
_COUNT = "SELECT count(*) FROM main.responses"
_ASIDE = """
CREATE TABLE IF NOT EXISTS main.set_aside (
    key TEXT NOT NULL,
    attempts TEXT NOT NULL,
    stored_at REAL NOT NULL,
    run_id TEXT NOT NULL,
    reason TEXT NOT NULL
)
"""
_MOVE = """
INSERT INTO main.set_aside
SELECT key, substr(attempts, 1, 1000000), stored_at, run_id, ? FROM main.responses WHERE key = ?
"""
_ATTEMPTS: TypeAdapter[tuple[ModelCall, ...]] = TypeAdapter(tuple[ModelCall, ...])
_LEFT_OUT = {"__all__": {"request_messages"}}


class ResponseStore:
    """Attempts of finished calls by key.

    Every `put` is one committed transaction in a write-ahead log: a process killed right after it
    loses nothing, and one killed during it leaves the file as it was before. (A power cut may lose
    the last calls, never older ones.) Several coroutines, threads and processes may use one file;
    reads and writes take tens of microseconds, so they are made without leaving the event loop.
    """

    def __init__(self, path: Path, *, run_id: str = "", earlier: Path | None = None) -> None:
        """Open or create the file; ConfigurationError when it is something else.

        UnwritableError when it cannot be written.

        `run_id` is the run that pays for what is put. Answers that are not in the file are looked
        up in `earlier`, a file that `copy` made and nobody writes to.
        """
        self.path = path
        self.run_id = run_id
        self._get = _GET
        self._lock = threading.Lock()
        self._earlier = earlier
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._open()
        except (sqlite3.Error, OSError) as error:
            raise ConfigurationError(
                f"the response store {path} cannot be used ({error}): name another file, "
                "or move this one away"
            ) from None

    def get(self, key: str) -> tuple[ModelCall, ...] | None:
        """Attempts stored under `key` without their messages, or None.

        What is stored there and can be no answer is set aside, and is as good as not there.
        """
        with self._lock:
            row: tuple[str] | None = self._connection.execute(self._get, {"key": key}).fetchone()
        return None if row is None else self._sound(key, row[0])

    def put(self, key: str, attempts: tuple[ModelCall, ...]) -> None:
        """Keep the attempts of a finished call; the first record of a key stays.

        Raises UnwritableError when they cannot be written (the disk is full), and ValueError
        for what can be no finished call.
        """
        flaw = answer_flaw(attempts)
        if flaw is not None:
            raise ValueError(flaw)
        # The messages are part of the key and known to whoever asks with it.
        text = _ATTEMPTS.dump_json(attempts, exclude=_LEFT_OUT).decode()
        try:
            with self._lock:
                # A store in memory has no file.
                if self._file is not None and _identity(self.path) != self._file:
                    self._put_back()
                self._connection.execute(
                    "INSERT OR IGNORE INTO main.responses VALUES (?, ?, ?, ?)",
                    (key, text, time.time(), self.run_id),
                )
        except (sqlite3.Error, OSError) as error:
            raise unwritable(self.path, str(error)) from None

    def paid(self, model: str | None = None) -> tuple[int, float]:
        """(finished calls, USD) that this run has put so far, failed attempts and the second
        requests of hedged ones included.

        For all models, or for the one that requests call `model`. Looks at each of them: what can
        be no answer is set aside and does not count.
        """
        with self._lock:
            rows: list[tuple[str, str]] = self._connection.execute(
                f"SELECT key, {_TEXT} FROM main.responses WHERE run_id = ? ORDER BY key",
                (self.run_id,),
            ).fetchall()
        found = [self._sound(key, text) for key, text in rows]
        sound = [
            attempts
            for attempts in found
            if attempts is not None and model in (None, attempts[0].request_model)
        ]
        calls = [call for attempts in sound for call in attempts]
        twice = sum(call.hedge is not None for call in calls)
        return len(sound) + twice, ordered_sum(call.cost_usd for call in calls)

    def forget(self, run_ids: Sequence[str]) -> int:
        """Delete what these runs put, overwriting it on disk; returns how many calls that were."""
        with self._lock:
            run = self._connection.execute
            run("PRAGMA secure_delete = ON")
            gone = sum(
                run("DELETE FROM main.responses WHERE run_id = ?", (name,)).rowcount
                for name in run_ids
            )
            run(_ASIDE)
            for name in run_ids:
                run("DELETE FROM main.set_aside WHERE run_id = ?", (name,))
            # Deleted pages would otherwise live on in the log and as free space.
            run("VACUUM")
            run("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    def absorb(self, other: Path) -> int:
        """Take over what another store holds; returns how many calls were new here.

        In one transaction. Whoever wrote to `other` should have stopped: later calls stay there.
        """
        # One that was killed while it was made is made whole.
        ResponseStore(other).close()
        with self._lock:
            run = self._connection.execute
            run("ATTACH ? AS other", (str(other),))
            try:
                return run(
                    "INSERT OR IGNORE INTO main.responses SELECT * FROM other.responses"
                ).rowcount
            finally:
                run("DETACH other")

    def copy(self, target: Path) -> None:
        """Write what this run put into a new file at `target`, to be read by many."""
        with ResponseStore(target) as made:
            # All of it in the one file, without a log beside it.
            made._connection.execute("PRAGMA journal_mode = DELETE")
        with self._lock:
            run = self._connection.execute
            run("ATTACH ? AS other", (str(target),))
            try:
                run(
                    "INSERT OR IGNORE INTO other.responses SELECT * FROM main.responses "
                    "WHERE run_id = ?",
                    (self.run_id,),
                )
            finally:
                run("DETACH other")

    def count(self) -> int:
        """Calls stored so far."""
        with self._lock:
            row: tuple[int] = self._connection.execute(
                "SELECT count(*) FROM main.responses"
            ).fetchone()
        return row[0]

    def close(self) -> None:
        """Close the file, which is put back if it is gone; the store cannot be used afterwards."""
        with self._lock:
            try:
                if self._file is not None and _identity(self.path) != self._file:
                    self._put_back()
            except (sqlite3.Error, OSError) as error:
                logger.warning(
                    "the response store %s was deleted while a run used it and cannot be put back "
                    "(%s): a run that is started again pays for unfinished rollouts once more",
                    self.path,
                    error,
                )
            self._connection.close()

    def __enter__(self) -> "ResponseStore":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _sound(self, key: str, text: str) -> tuple[ModelCall, ...] | None:
        """What is stored under `key`; None, and set aside, when it can be no answer."""
        try:
            attempts = _ATTEMPTS.validate_json(text)
            flaw = answer_flaw(attempts)
        except ValidationError as error:
            attempts, flaw = (), f"it cannot be read ({error.error_count()} errors)"
        if flaw is None:
            return attempts
        logger.warning(
            "the response store %s holds a record %s that can be no answer (%s): it is set aside "
            "and asked again",
            self.path,
            key,
            flaw,
        )
        self._set_aside(key, flaw)
        return None

    def _set_aside(self, key: str, flaw: str) -> None:
        with self._lock:
            run = self._connection.execute
            try:
                run("BEGIN IMMEDIATE")
                run(_ASIDE)
                # Of an earlier store, which nobody writes to, there is nothing to move.
                run(_MOVE, (flaw, key))
                run("DELETE FROM main.responses WHERE key = ?", (key,))
                run("COMMIT")
            except sqlite3.Error as error:
                if self._connection.in_transaction:
                    run("ROLLBACK")
                raise ConfigurationError(
                    f"the response store {self.path} cannot set a record aside ({error}): make "
                    "room where it lies, or free the file"
                ) from None

    def _open(self) -> None:
        self._connection = sqlite3.connect(
            self.path,
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            self._prepare()
        except sqlite3.OperationalError as error:
            raise unwritable(self.path, str(error)) from None
        # As long as it is open no other file gets the same number.
        self._file = _identity(self.path)
        if self._earlier is not None:
            self._look_up_too(self._earlier)

    def _put_back(self) -> None:
        """Somebody deleted the file; what was paid for is still in this connection's hands.

        Raises sqlite3.Error or OSError where it cannot be written; a copy may then lie beside it.
        """
        rescued = self.path.with_name(f"{self.path.name}.{uuid.uuid4().hex[:8]}.rescued")
        with closing(sqlite3.connect(rescued)) as copy:
            self._connection.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        self._connection.close()
        if not self.path.exists():
            # The deleted file's log would be read as the new one's.
            for leftover in ("-wal", "-shm"):
                self.path.with_name(self.path.name + leftover).unlink(missing_ok=True)
        try:
            # A link, not a rename: another process may have put the file back meanwhile.
            self.path.hardlink_to(rescued)
        except FileExistsError:
            self._open()
            self._take_in(rescued)
            rescued.unlink()
        else:
            rescued.unlink()
            self._open()
        logger.warning(
            "the response store %s was deleted while a run used it; it is put back with all that "
            "was paid for",
            self.path,
        )

    def _take_in(self, rescued: Path) -> None:
        run = self._connection.execute
        run("ATTACH ? AS rescued", (str(rescued),))
        try:
            run("INSERT OR IGNORE INTO main.responses SELECT * FROM rescued.responses")
        finally:
            run("DETACH rescued")

    def _look_up_too(self, earlier: Path) -> None:
        # Immutable: no lock, no log, so that it may lie on a file system that many machines share.
        address = f"{earlier.absolute().as_uri()}?mode=ro&immutable=1"
        self._connection.execute("ATTACH ? AS earlier", (address,))
        self._get = _GET_EARLIER

    def _prepare(self) -> None:
        run = self._connection.execute
        self._connection.text_factory = _decoded
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        strange = run(_STRANGE).fetchone()
        if strange is not None:
            raise sqlite3.DatabaseError(f"it holds more than tables: {strange[0]}")
        version: tuple[int] = run("PRAGMA user_version").fetchone()
        if not 0 <= version[0] <= SCHEMA_VERSION:
            raise sqlite3.DatabaseError(
                f"version {version[0]}, this program reads {SCHEMA_VERSION}"
            )
        tables = {name for (name,) in run("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if version[0] == 0 and tables - {"responses", "set_aside"}:
            raise sqlite3.DatabaseError("it is another program's database")
        run(_SCHEMA)
        if version[0] == 1:
            run(_ADD_RUN)
        run(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _decoded(text: bytes) -> str:
    # What is no UTF-8 makes no record: it is set aside when it is looked at.
    return text.decode(errors="replace")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def replayed(attempts: tuple[ModelCall, ...], like: ModelCall) -> tuple[ModelCall, ...]:
    """Stored attempts as records of the call that `like` describes: same call, nothing sent."""
    return tuple(
        replace(
            attempt,
            call_id=like.call_id,
            request_messages=like.request_messages,
            replayed=True,
        )
        for attempt in attempts
    )
