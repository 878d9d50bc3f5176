"""DuckDB instances that a process keeps: starting one takes longer than attaching a file to it."""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

MOST = 4
"""Instances of a kind that are kept; those in use are closed by none."""
CATALOG = "warehouse"
HELD = "already attached by database"
"""What the error says where a file is wanted alone that this process uses, as DuckDB's own does."""

Start = Callable[[], duckdb.DuckDBPyConnection]
"""Makes an instance without a file, with all set that it may and may not do."""


class _Instance:
    """One instance and the file that it may hold."""

    def __init__(self, start: Start) -> None:
        self.root = start()
        self.lock = threading.Lock()
        self.claims = 0
        """Connections that exist or are just being made."""
        self.users = 0
        """Those that have the file attached."""


class Instances:
    """Instances of one kind, one for each of the files that were used last.

    A file is attached while somebody uses it and detached at once: between uses other processes
    find it as if nobody had ever opened it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[Path, _Instance] = OrderedDict()
        self._of_parents: list[OrderedDict[Path, _Instance]] = []
        os.register_at_fork(after_in_child=self._begin_again)

    def _begin_again(self) -> None:
        """In a forked child, which has no threads of its parent's instances: it starts its own."""
        self._lock = threading.Lock()
        # Never freed: ending an instance without its threads ends the process.
        self._of_parents.append(self._known)
        self._known = OrderedDict()

    @contextmanager
    def attached(
        self, path: Path, start: Start, options: str, *, alone: bool
    ) -> Generator[duckdb.DuckDBPyConnection]:
        """A connection whose default catalog is the file at `path`, attached with `options`.

        Those who do not want it `alone` share it. Raises duckdb.Error when it cannot be attached.
        """
        instance = self._claimed(path, start)
        sound = True
        try:
            connection = self._connected(instance, path, options, alone=alone)
            try:
                connection.execute(f"USE {CATALOG}")
                yield connection
            except BaseException:
                # Some errors of DuckDB end an instance, and others may hide them by now.
                sound = False
                raise
            finally:
                connection.close()
                sound = self._detached(instance) and sound
        finally:
            self._released(path, instance, sound=sound)

    def give_back(self) -> None:
        """End the instances that nobody uses, with the memory that they hold."""
        with self._lock:
            idle = [item for item in self._known.items() if item[1].claims == 0]
            for path, _ in idle:
                del self._known[path]
        for _, instance in idle:
            instance.root.close()

    def _claimed(self, path: Path, start: Start) -> _Instance:
        with self._lock:
            instance = self._known.pop(path, None) or _Instance(start)
            self._known[path] = instance
            instance.claims += 1
            return instance

    def _connected(
        self, instance: _Instance, path: Path, options: str, *, alone: bool
    ) -> duckdb.DuckDBPyConnection:
        with instance.lock:
            if instance.users and alone:
                raise duckdb.BinderException(f"{path} is {HELD} {CATALOG}")
            if not instance.users:
                instance.root.execute(f"ATTACH $1 AS {CATALOG} ({options})", [str(path)])
            connection = instance.root.cursor()
            instance.users += 1
            return connection

    def _detached(self, instance: _Instance) -> bool:
        """Give the file up with its last user; whether that went well."""
        with instance.lock:
            instance.users -= 1
            if instance.users:
                return True
            try:
                instance.root.execute(f"DETACH {CATALOG}")
            except duckdb.Error:
                return False
            return True

    def _released(self, path: Path, instance: _Instance, *, sound: bool) -> None:
        """Let go what is not needed; after a failure also the instance that met it."""
        with self._lock:
            instance.claims -= 1
            if not sound and self._known.get(path) is instance:
                del self._known[path]
            spare = len(self._known) - MOST
            idle = [item for item in self._known.items() if item[1].claims == 0][: max(0, spare)]
            for name, _ in idle:
                del self._known[name]
            gone = [old for _, old in idle]
            if not sound and instance.claims == 0:
                gone.append(instance)
        for old in gone:
            with suppress(duckdb.Error):
                old.root.close()
