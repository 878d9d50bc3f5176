"""Child processes that read and compare answers, so that none hangs or fills memory here."""

import asyncio
import json
import os
import queue
import select
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, cast

from lamas.errors import BenchmarkError

PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); from lamas.answers.worker import main; main()"
)
ROOT = Path(__file__).parents[2]
START_SECONDS = 60.0
STALLED_SECONDS = 60.0
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR")
CACHED_REPLIES = 20_000
LONGEST_CACHED = 4_000
STOPPED = "the process that read it was stopped"

Request = Mapping[str, object]
Reply = Mapping[str, object]


class Workers:
    """Answers requests in child processes; thread-safe, bound to no event loop.

    `seconds` is the CPU time one request may take, so that load does not change a verdict.
    Children start when first needed, at most `workers` of them, and are replaced when they exceed
    their time. They end with this object or with the process that made it.
    """

    def __init__(self, *, workers: int, seconds: int) -> None:
        self._seconds = seconds
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(workers):
            self._idle.put(None)
        self._lock = threading.Lock()
        self._known: dict[str, Reply] = {}
        self._threads = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="answers")

    async def ask_aside(self, request: Request) -> Reply:
        """`ask` without blocking the event loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self.ask, request)

    def processes(self) -> tuple[subprocess.Popen[bytes], ...]:
        """The running child processes that are idle now."""
        return tuple(worker.process for worker in self._idle.queue if worker is not None)

    def ask(self, request: Request) -> Reply:
        """The reply to a request, or {"failed": why}; blocks, so call it from a thread."""
        line = json.dumps({**request, "seconds": self._seconds})
        with self._lock:
            known = self._known.get(line) if len(line) <= LONGEST_CACHED else None
        if known is not None:
            return known
        worker = self._idle.get()
        try:
            if worker is None or not worker.is_alive:
                worker = _Worker()
            reply = worker.ask(line)
        finally:
            self._idle.put(worker)
        if len(line) <= LONGEST_CACHED and reply.get("failed") != STOPPED:
            with self._lock:
                if len(self._known) >= CACHED_REPLIES:
                    self._known.clear()
                self._known[line] = reply
        return reply


class _Worker:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", PROGRAM, str(ROOT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=_environment(),
        )
        self._is_fresh = True
        self._stop = weakref.finalize(self, _end, self.process)

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def ask(self, line: str) -> Reply:
        # The worker limits its CPU time itself; this limit is for one that gets none or is stopped.
        patience = STALLED_SECONDS + (START_SECONDS if self._is_fresh else 0.0)
        try:
            received = self._exchange(line.encode() + b"\n", patience)
        except OSError:
            received = b""
        if not received.endswith(b"\n"):
            was_fresh = self._is_fresh and self.process.poll() is not None
            self._stop()
            if was_fresh and self.process.returncode > 0:
                raise BenchmarkError(
                    f"the process that reads answers ended with code {self.process.returncode} "
                    "before its first one; check that math-verify is installed with antlr4 4.9.3"
                )
            return {"failed": STOPPED}
        self._is_fresh = False
        return cast("Reply", json.loads(received))

    def _exchange(self, request: bytes, patience: float) -> bytes:
        """One line back, or what came of it when time or the process ended."""
        stdin, stdout = _pipes(self.process)
        # A pipe takes part of a long request at a time.
        rest = memoryview(request)
        while rest:
            rest = rest[stdin.write(rest) or 0 :]
        deadline = time.monotonic() + patience
        received = b""
        while not received.endswith(b"\n"):
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not select.select([stdout], [], [], remaining)[0]:
                break
            chunk = stdout.read(1 << 16)
            if not chunk:
                self.process.wait()
                break
            received += chunk
        return received


def _environment() -> dict[str, str]:
    """Only what an interpreter needs; a fixed hash seed makes sympy's ordering repeatable."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return kept | {"PYTHONHASHSEED": "0"}


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in _pipes(process):
        pipe.close()
