"""One run from the outside: its pipes, its clock, its limits, and what came of it."""

import asyncio
import contextlib
import fcntl
import os
import signal
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from lamas.errors import SandboxError
from lamas.sandbox.inside.job import Job, Report
from lamas.sandbox.limits import SandboxLimits
from lamas.sandbox.scratch import used_bytes
from lamas.sandbox.watching import deleted_bytes, pid_of, usage
from lamas.sandbox.zygote_client import Launched, ZygoteClient, ZygoteLostError

_READ_BYTES = 65_536
_LOOK_SECONDS = 0.1
_DEATH_SECONDS = 5.0
# How an exhausted limit shows when the program does not catch it.
_LAST_WORDS = {
    "MemoryError": "memory_bytes",
    "OSError: [Errno 28]": "scratch_bytes",
    "OSError: [Errno 27]": "scratch_bytes",
    "OSError: [Errno 24]": "open_files",
    "OSError: [Errno 12]": "memory_bytes",
    "BlockingIOError: [Errno 11]": "processes",
    "RuntimeError: can't start new thread": "processes",
    "RuntimeError: can't allocate lock": "memory_bytes",
}


_LAST_LINES = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """How one run ended."""

    stdout: str
    stderr: str
    exit_code: int | None
    limits_hit: tuple[str, ...]


class _Collector:
    """Reads one pipe until its end or the cap."""

    def __init__(self, cap: int) -> None:
        self.read_end, self.write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        # Non-blocking belongs to our end alone: a program's print must wait, not fail.
        os.set_blocking(self.write_end, True)
        self._cap = cap
        self._data = bytearray()
        self.overflowed = False

    def drain(self) -> bool:
        """Takes what is there; False at the end of the pipe or beyond the cap."""
        while True:
            try:
                part = os.read(self.read_end, _READ_BYTES)
            except BlockingIOError:
                return True
            room = self._cap - len(self._data)
            self._data += part[:room]
            if len(part) > room:
                self.overflowed = True
            if not part or self.overflowed:
                return False

    def text(self) -> str:
        return self._data.decode(errors="replace")


class PipeEnds:
    """Descriptors for one program; ours only until it has them, or else its peer sees no end."""

    def __init__(self, *descriptors: int) -> None:
        self.descriptors = descriptors

    def close(self) -> None:
        """Closes them once."""
        descriptors, self.descriptors = self.descriptors, ()
        for descriptor in descriptors:
            os.close(descriptor)


@contextlib.contextmanager
def joined() -> Generator[tuple[PipeEnds, PipeEnds], None, None]:
    """Descriptors 3 and 4 of the program that serves and of the one that asks."""
    requests_read, requests_write = os.pipe2(os.O_CLOEXEC)
    answers_read, answers_write = os.pipe2(os.O_CLOEXEC)
    serving = PipeEnds(requests_read, answers_write)
    asking = PipeEnds(requests_write, answers_read)
    try:
        yield serving, asking
    finally:
        serving.close()
        asking.close()


class OneRun:
    """Starts a job through a zygote and waits for its end, whatever the program does."""

    def __init__(
        self,
        zygote: ZygoteClient,
        job: Job,
        limits: SandboxLimits,
        *,
        stdin: str = "",
        pipes: PipeEnds | None = None,
        scratch_on_disk: bool = False,
    ) -> None:
        """`pipes`: the program gets them as 3, 4, …; closed here once it has them."""
        self._zygote = zygote
        self._job = job
        self._limits = limits
        self._stdin = stdin
        self._pipes = pipes or PipeEnds()
        self._scratch_on_disk = scratch_on_disk
        self._collectors: list[_Collector] = []
        self._run: Launched | None = None
        self._pid: int | None = None
        self._reason: str | None = None
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._timers: list[asyncio.TimerHandle] = []
        self._watcher: asyncio.Task[None] | None = None

    async def finish(self) -> Ending:
        """Raises ZygoteLostError when the zygote took the run along, SandboxError when broken."""
        loop = asyncio.get_running_loop()
        report = _Collector(_READ_BYTES)
        self._collectors = [_Collector(self._limits.output_bytes) for _ in range(2)]
        own = [*self._collectors, report]
        try:
            self._run = await self._launch(own)
            self._pid = pid_of(self._run.pidfd)
            loop.add_reader(self._run.pidfd, self._on_end)
            for collector in self._collectors:
                loop.add_reader(collector.read_end, self._on_output, collector)
            self._timers.append(
                loop.call_later(self._limits.wall_seconds, self.kill, "wall_seconds")
            )
            self._watcher = asyncio.create_task(self._watch())
            await self._wait()
        except asyncio.CancelledError:
            self.kill("cancelled")
            raise
        finally:
            self._let_go(loop, own)
        return self._conclude(report)

    async def _launch(self, own: Sequence[_Collector]) -> Launched:
        payload = _memory_file("job", self._job.dumps())
        stdin = _memory_file("stdin", self._stdin.encode(errors="replace"))
        ends = [collector.write_end for collector in own]
        try:
            return await self._zygote.launch([payload, stdin, *ends, *self._pipes.descriptors])
        finally:
            for descriptor in (payload, stdin, *ends):
                os.close(descriptor)
            self._pipes.close()

    async def _wait(self) -> None:
        # Shielded: cancelling this run must leave the future that says when it is really over.
        await asyncio.shield(self._ended)
        # With a process namespace nobody is left to write; without one a stray might be.
        for collector in self._collectors:
            collector.drain()

    def kill(self, reason: str) -> None:
        """Ends the whole tree now; the first reason given is the one recorded."""
        if self._ended.done() or self._run is None:
            return
        if self._reason is None:
            self._reason = reason
            loop = asyncio.get_running_loop()
            self._timers.append(loop.call_later(_DEATH_SECONDS, self.give_up))
        self._zygote.kill(self._run)

    def give_up(self) -> None:
        if not self._ended.done():
            self._ended.set_exception(
                SandboxError(
                    f"A sandboxed run survived SIGKILL for {_DEATH_SECONDS:g} s; the machine is "
                    "out of order or its processes wait for a dead disk."
                )
            )

    def _on_end(self) -> None:
        if self._run is not None:
            asyncio.get_running_loop().remove_reader(self._run.pidfd)
        if not self._ended.done():
            self._ended.set_result(None)

    def _on_output(self, collector: _Collector) -> None:
        if not collector.drain():
            asyncio.get_running_loop().remove_reader(collector.read_end)
        if collector.overflowed:
            self.kill("output_bytes")

    async def _watch(self) -> None:
        while not self._ended.done():
            await asyncio.sleep(_LOOK_SECONDS)
            # In a thread: a program may have made thousands of processes or files.
            exceeded = await asyncio.to_thread(self._exceeded)
            if exceeded is not None:
                self.kill(exceeded)

    def _exceeded(self) -> str | None:
        """The limit that the kernel holds for each process only and that all together broke."""
        if self._pid is None:
            return None
        limits = self._limits
        used = usage(self._pid, self._zygote.inherited_bytes, limits.processes)
        if used.cpu_seconds > limits.cpu_seconds:
            return "cpu_seconds"
        if used.memory_bytes > limits.memory_bytes:
            return "memory_bytes"
        if used.tasks > limits.processes:
            return "processes"
        cap = limits.scratch_bytes
        if self._scratch_on_disk:
            nameless = deleted_bytes(used.pids)
            if nameless > cap or used_bytes(self._job.scratch, cap - nameless) > cap - nameless:
                return "scratch_bytes"
        return None

    def _let_go(self, loop: asyncio.AbstractEventLoop, own: Sequence[_Collector]) -> None:
        for timer in self._timers:
            timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        if self._run is not None:
            loop.remove_reader(self._run.pidfd)
            os.close(self._run.pidfd)
            own[-1].drain()
        for collector in own:
            loop.remove_reader(collector.read_end)
            os.close(collector.read_end)

    def _conclude(self, told: _Collector) -> Ending:
        stdout, stderr = (collector.text() for collector in self._collectors)
        if self._reason is None and any(collector.overflowed for collector in self._collectors):
            self._reason = "output_bytes"
        if self._reason is not None:
            hit = (self._reason,)
            return Ending(stdout=stdout, stderr=stderr, exit_code=None, limits_hit=hit)
        if not told.text():
            if not self._zygote.alive:
                raise ZygoteLostError
            # Only the kernel's out-of-memory killer reaches a supervisor.
            return Ending(
                stdout=stdout, stderr=stderr, exit_code=None, limits_hit=("memory_bytes",)
            )
        report = Report.loads(told.text().encode())
        if report.broken:
            raise SandboxError(f"The sandbox could not put up its barriers: {report.broken}.")
        hit = _limits_shown(report, self._limits, stderr)
        code = None if hit == ("cpu_seconds",) else report.exit_code
        return Ending(stdout=stdout, stderr=stderr, exit_code=code, limits_hit=hit)


def _limits_shown(report: Report, limits: SandboxLimits, stderr: str) -> tuple[str, ...]:
    """The limits an ended program ran into by itself."""
    spent = report.cpu_seconds >= limits.cpu_seconds
    if report.exit_code == -signal.SIGXCPU or (report.exit_code == -signal.SIGKILL and spent):
        return ("cpu_seconds",)
    if report.exit_code == 0:
        return ()
    hit: list[str] = []
    if report.scratch_full:
        hit.append("scratch_bytes")
    # Not the very last line alone: several processes may have ended at once.
    last = stderr.rstrip().splitlines()[-_LAST_LINES:]
    for words, name in _LAST_WORDS.items():
        if name not in hit and any(line.startswith(words) for line in last):
            hit.append(name)
    return tuple(hit)


def _memory_file(name: str, data: bytes) -> int:
    """A sealed file in memory that holds `data`, read from its start."""
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with contextlib.ExitStack() as undo:
        undo.callback(os.close, descriptor)
        with open(os.dup(descriptor), "wb") as file:
            file.write(data)
        os.lseek(descriptor, 0, os.SEEK_SET)
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
        undo.pop_all()
    return descriptor
