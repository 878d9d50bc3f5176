"""What a test session leaves behind: processes, ports, files in the temporary folder, memory."""

import ctypes
import gc
import json
import os
import resource
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from pydantic import TypeAdapter

from lamas.sandbox.base import sweep

SESSION = "LAMAS_TEST_SESSION"
"""Environment variable that every process below a test session inherits."""
TESTING = "PYTEST_CURRENT_TEST"
MOST_MEMORY = 2560
"""MiB that a test worker may hold at the end: a guard; 1024 is the aim, and some runs exceed it."""
MUCH_MEMORY = 640
"""MiB above which a worker gives back what it can."""
GRACE_SECONDS = 20.0
"""For what is ending just now."""
KEPT = ("torchinductor_", "ray", "dask-scratch-space", "runner_storage")
"""Folders of libraries that are there once for all processes of a user."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """One test session: its sign, and the temporary folder that it alone uses."""

    sign: str
    folder: Path

    @staticmethod
    def begin() -> "Session":
        """Give this process and all that it starts a sign and a temporary folder."""
        before = tempfile.gettempdir()
        # The folders that pytest itself makes and later removes stay where they are.
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", before)
        folder = Path(tempfile.mkdtemp(prefix="lamas-tests-"))
        os.environ["TMPDIR"] = str(folder)
        tempfile.tempdir = None
        sign = secrets.token_hex(8)
        os.environ[SESSION] = sign
        return Session(sign=sign, folder=folder)

    def left(self, grace_seconds: float = GRACE_SECONDS) -> list[str]:
        """What there is of the session besides this process, in words."""
        _, alive = psutil.wait_procs(list(self._processes()), timeout=grace_seconds)
        found = [told for process in alive for told in _told(process)]
        # What a killed run leaves in the temporary folder, the next sandbox removes.
        sweep()
        return [*found, *(f"{path} in the temporary folder" for path in self._files())]

    def end(self) -> list[str]:
        """What is left; the temporary folder is removed with all that is in it."""
        found = self.left()
        os.environ["TMPDIR"] = str(self.folder.parent)
        tempfile.tempdir = None
        shutil.rmtree(self.folder, ignore_errors=True)
        return found

    def _processes(self) -> Iterator[psutil.Process]:
        """Processes of the session but this one and its ancestors."""
        own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
        begun = psutil.Process().create_time()
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.pid not in own and (
                    process.environ().get(SESSION) == self.sign
                    # A sandbox has no environment; what lost its parent is nobody else's.
                    or (process.ppid() == 1 and process.create_time() > begun and _ours(process))
                ):
                    yield process

    def _files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if not path.name.startswith(KEPT))


def listening(process: psutil.Process) -> list[str]:
    """Addresses on which a process accepts connections."""
    return [
        f"{item.laddr.ip}:{item.laddr.port}"
        for item in process.net_connections(kind="inet")
        if item.status == psutil.CONN_LISTEN
    ]


def _ours(process: psutil.Process) -> bool:
    """Whether the interpreter of this checkout runs it."""
    return process.cmdline()[:1] == [sys.executable]


def _told(process: psutil.Process) -> Iterator[str]:
    with suppress(psutil.Error, OSError):
        test = process.environ().get(TESTING, "no test")
        command = " ".join(process.cmdline())[:150]
        ports = f", listening on {', '.join(open_at)}" if (open_at := listening(process)) else ""
        yield f"process {process.pid} ({command}){ports}, started by {test}"


@dataclass(frozen=True, kw_only=True)
class Worker:
    """What one process that runs tests holds at the end."""

    name: str
    memory: int
    """MiB of its own."""
    peak: int
    """MiB that were resident at most, libraries included."""
    ports: list[str]
    grew: list[tuple[int, str]]
    """MiB by which a test, with the fixtures and imports it was the first to need, grew it."""

    def telling(self) -> str:
        """As text, from which `told` makes it again in another process."""
        return json.dumps(asdict(self))

    @staticmethod
    def told(text: str) -> "Worker":
        return TypeAdapter(Worker).validate_json(text)

    def faults(self) -> list[str]:
        """What it should not hold at the end, in words."""
        found = [f"port {address} of {self.name}" for address in self.ports]
        if self.memory > MOST_MEMORY:
            found.append(f"{self.memory} MiB of memory by {self.name}, {MOST_MEMORY} are enough")
        return found

    def __str__(self) -> str:
        grew = ", ".join(f"{test} +{by}" for by, test in self.grew)
        return f"{self.name}: {self.memory} MiB at the end, {self.peak} at most ({grew})"


class Growth:
    """Watches the memory of this process from test to test."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._last = self._now()
        self._most: list[tuple[int, str]] = []

    def _now(self) -> int:
        """MiB of its own: pages of libraries are there once for all processes that use them."""
        held = self._process.memory_info()
        return (held.rss - getattr(held, "shared", 0)) >> 20

    def look(self, test: str) -> None:
        """After `test`."""
        now = self._now()
        self._most = sorted([*self._most, (now - self._last, test)], reverse=True)[:5]
        self._last = now

    def give_back(self, *, last: bool) -> None:
        """Return what is free to the system, where this process holds much.

        After the `last` test also what is kept on purpose: what then is left was lost.
        """
        if last:
            # Imported here: the process that only starts workers needs none of it.
            from lamas.controller.encoder import forget_models
            from warehouse.connection import forget_instances

            forget_models()
            forget_instances()
        # It takes a second: not after every file of small tests.
        if last or self._now() > MUCH_MEMORY:
            gc.collect()
            # The C library of Linux keeps what was freed between two blocks in use.
            with suppress(AttributeError):
                ctypes.CDLL(None).malloc_trim(0)

    def worker(self) -> Worker:
        """This process as it is now."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return Worker(
            name=os.environ.get("PYTEST_XDIST_WORKER", "main"),
            memory=self._now(),
            # Kilobytes, but bytes on a Mac.
            peak=peak // (1024 if sys.platform == "linux" else 1024 * 1024),
            ports=listening(self._process),
            grew=self._most,
        )
