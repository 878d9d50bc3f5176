"""The parent's end of a zygote: starts it, asks it for runs, notices its death."""

import asyncio
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from lamas.errors import SandboxError
from lamas.sandbox.inside.job import Setup
from lamas.sandbox.watching import own_bytes

_HERE = pathlib.Path(__file__).resolve().parent
_START_SECONDS = 30.0
_MESSAGE_BYTES = 65_536
# The zygote imports its own half only: the parent's would bring asyncio and more into every run.
_BOOTSTRAP = """
import sys, types
for name, path in (("lamas", sys.argv.pop(1)), ("lamas.sandbox", sys.argv.pop(1))):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [path]
from lamas.sandbox.inside import zygote
zygote.main()
"""


class ZygoteLostError(Exception):
    """The zygote ended; whoever waits for it may try again with the next one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Launched:
    """One run's supervisor."""

    pid: int
    """As the zygote numbers it."""
    pidfd: int


def interpreter() -> str:
    """The installation's own executable, not the virtual environment's link to it."""
    return os.path.realpath(sys.executable)


def command(setup: Setup, line: int) -> list[str]:
    """What starts a zygote that speaks on the inherited socket `line`."""
    arguments = [str(_HERE.parent), str(_HERE), setup.dumps(), str(line)]
    return [interpreter(), "-SsPB", "-X", "utf8", "-c", _BOOTSTRAP, *arguments]


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {
        **kept,
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "MALLOC_ARENA_MAX": "2",
    }


class ZygoteClient:
    """One zygote, bound to the event loop it was started on."""

    def __init__(self, setup: Setup, prefix: Sequence[str] = ()) -> None:
        """`prefix`: a command that starts it inside something, such as bubblewrap's."""
        self._setup = setup
        self._prefix = tuple(prefix)
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._pending: dict[int, asyncio.Future[Launched]] = {}
        self._next = 0
        self.barriers: tuple[str, ...] = ()
        self.inherited_bytes = 0
        """Memory every forked process starts with."""

    @property
    def pid(self) -> int | None:
        """Of the process that was started; None before the start."""
        return None if self._process is None else self._process.pid

    @property
    def alive(self) -> bool:
        """False as soon as its end can be seen."""
        if self._process is None or self._line is None or self._process.poll() is not None:
            return False
        try:
            return self._line.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    async def start(self) -> None:
        """Starts the process and waits for its hello. Raises SandboxError with its reason."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, tempfile.TemporaryFile() as errors:
            argv = [*self._prefix, *command(self._setup, theirs.fileno())]
            try:
                # One short call at start; asyncio's own needs a child watcher in this thread.
                self._process = subprocess.Popen(  # noqa: ASYNC220
                    argv,
                    env=_environment(),
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
            except OSError as error:
                ours.close()
                raise SandboxError(f"The sandbox's {argv[0]} does not start: {error}.") from error
            theirs.close()
            self._line = ours
            ours.setblocking(False)
            await self._greet(errors)
        loop = asyncio.get_running_loop()
        loop.add_reader(ours.fileno(), self._listen)
        self.inherited_bytes = own_bytes(self._process.pid)

    async def _greet(self, errors: IO[bytes]) -> None:
        loop = asyncio.get_running_loop()
        assert self._line is not None
        try:
            data = await asyncio.wait_for(
                loop.sock_recv(self._line, _MESSAGE_BYTES), _START_SECONDS
            )
        except (TimeoutError, OSError):
            data = b""
        hello: dict[str, str | list[str]] = json.loads(data) if data else {}
        if "barriers" not in hello:
            errors.seek(0)
            lines = errors.read().decode(errors="replace").strip().splitlines()
            reason = hello.get("broken") or (lines[-1] if lines else "it said nothing")
            self.close()
            raise SandboxError(f"The sandbox's fork server did not start: {reason}.")
        self.barriers = tuple(hello["barriers"])

    async def launch(self, files: Sequence[int]) -> Launched:
        """Forks a run that inherits `files`. Raises ZygoteLostError, SandboxError."""
        if self._line is None:
            raise ZygoteLostError
        self._next += 1
        number = self._next
        answer: asyncio.Future[Launched] = asyncio.get_running_loop().create_future()
        self._pending[number] = answer
        try:
            await self._send({"start": number}, files)
            return await answer
        except asyncio.CancelledError:
            # The answer may just have come: nobody else will ever hold this run.
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                self.kill(answer.result())
                os.close(answer.result().pidfd)
            raise
        finally:
            self._pending.pop(number, None)

    async def _send(self, message: dict[str, int], files: Sequence[int]) -> None:
        data = json.dumps(message).encode()
        while self._line is not None:
            try:
                socket.send_fds(self._line, [data], list(files))
            except BlockingIOError:
                await asyncio.sleep(0.002)
            except OSError:
                self._lose()
                raise ZygoteLostError from None
            else:
                return
        raise ZygoteLostError

    def kill(self, run: Launched) -> None:
        """SIGKILL to the whole run; with a process namespace its supervisor takes all along."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._setup.namespaces:
                signal.pidfd_send_signal(run.pidfd, signal.SIGKILL)
                return
        if self._line is not None:
            with contextlib.suppress(OSError):
                self._line.send(json.dumps({"kill": run.pid}).encode())
                return
        if not self._prefix:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(run.pid, signal.SIGKILL)

    def _listen(self) -> None:
        while self._line is not None:
            try:
                data, files, _flags, _address = socket.recv_fds(self._line, _MESSAGE_BYTES, 4)
            except BlockingIOError:
                return
            except OSError:
                data, files = b"", []
            if not data:
                self._lose()
                return
            self._answer(json.loads(data), files)

    def _answer(self, message: dict[str, int | str], files: list[int]) -> None:
        waiting = self._pending.get(int(message["number"]))
        if "broken" in message:
            if waiting is not None and not waiting.done():
                waiting.set_exception(
                    SandboxError(f"The sandbox cannot start a run: {message['broken']}.")
                )
            return
        run = Launched(pid=int(message["pid"]), pidfd=files[0])
        if waiting is None or waiting.done():
            self.kill(run)
            os.close(run.pidfd)
            return
        waiting.set_result(run)

    def _lose(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            asyncio.get_running_loop().remove_reader(line.fileno())
            line.close()
        for waiting in self._pending.values():
            if not waiting.done():
                waiting.set_exception(ZygoteLostError())

    def close(self) -> None:
        """Ends the process, and with it every run it still has."""
        line, self._line = self._line, None
        if line is not None:
            with contextlib.suppress(RuntimeError):
                asyncio.get_running_loop().remove_reader(line.fileno())
            line.close()
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
