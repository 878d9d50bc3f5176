"""How answers are compared symbolically in child processes, so that none hangs or fills memory."""

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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

from lamas.benchmarks.math_worker import TOO_LONG
from lamas.errors import BenchmarkError

PROGRAM = Path(__file__).with_name("math_worker.py")
START_SECONDS = 60.0
STALLED_SECONDS = 60.0
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR")
CACHED_VERDICTS = 20_000


@dataclass(frozen=True, slots=True)
class Verdict:
    equal: bool
    detail: str = ""


class MathJudge:
    """Compares pairs of LaTeX answers with math-verify; thread-safe, bound to no event loop.

    `seconds` is the CPU time one comparison may take, so that load does not change a verdict.
    Workers start when first needed, at most `workers` of them, and are replaced when they exceed
    their time. They end with this object or with the process that made it.
    """

    def __init__(self, *, workers: int = 2, seconds: int = 3) -> None:
        self._seconds = seconds
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(workers):
            self._idle.put(None)
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], Verdict] = {}
        self._threads = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="math-judge")

    async def compare_aside(self, gold: str, answer: str) -> Verdict:
        """`compare` without blocking the event loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self.compare, gold, answer)

    def workers(self) -> tuple[subprocess.Popen[bytes], ...]:
        """The running child processes that are idle now."""
        return tuple(worker.process for worker in self._idle.queue if worker is not None)

    def compare(self, gold: str, answer: str) -> Verdict:
        """Whether `answer` equals `gold`; blocks for up to seconds, so call it from a thread."""
        with self._lock:
            known = self._known.get((gold, answer))
        if known is not None:
            return known
        worker = self._idle.get()
        try:
            if worker is None or not worker.is_alive:
                worker = _Worker()
            verdict = worker.ask(gold, answer, self._seconds)
        finally:
            self._idle.put(worker)
        with self._lock:
            if len(self._known) >= CACHED_VERDICTS:
                self._known.clear()
            self._known[gold, answer] = verdict
        return verdict


@lru_cache(maxsize=1)
def shared_judge() -> MathJudge:
    """The judge that all benchmarks of a process share."""
    return MathJudge()


class _Worker:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            # -P: the worker's own folder holds a math.py that must not shadow the standard one.
            [sys.executable, "-P", str(PROGRAM)],
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

    def ask(self, gold: str, answer: str, seconds: int) -> Verdict:
        request = json.dumps({"gold": gold, "answer": answer, "seconds": seconds})
        # The worker limits its CPU time itself; this limit is for one that gets none or is stopped.
        patience = STALLED_SECONDS + (START_SECONDS if self._is_fresh else 0.0)
        try:
            line = self._exchange(request.encode() + b"\n", patience)
        except OSError:
            line = b""
        if not line.endswith(b"\n"):
            was_fresh = self._is_fresh and self.process.poll() is not None
            self._stop()
            if was_fresh and self.process.returncode > 0:
                raise BenchmarkError(
                    f"the comparison process ended with code {self.process.returncode} before "
                    "its first answer; check that math-verify is installed with antlr4 4.9.3"
                )
            return Verdict(False, TOO_LONG)
        self._is_fresh = False
        reply = json.loads(line)
        return Verdict(bool(reply["equal"]), str(reply["detail"]))

    def _exchange(self, request: bytes, patience: float) -> bytes:
        """One line back, or what came of it when time or the process ended."""
        stdin, stdout = _pipes(self.process)
        stdin.write(request)
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
