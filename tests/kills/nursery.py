"""Attempts at a run: forked from a process that has everything imported, or started cold."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol, cast


class Attempt(Protocol):
    """One process that runs the command."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        ...


@dataclass
class _Forked:
    """A child of the nursery, which tells how it ended."""

    pid: int
    told: IO[bytes]
    code: int | None = field(default=None)

    def poll(self) -> int | None:
        if self.code is None and select.select([self.told], [], [], 0)[0]:
            self.code = int(cast("dict[str, int]", json.loads(self.told.readline()))["code"])
        return self.code


class Nursery:
    """The parent's end: starts the process, asks it for attempts, one at a time."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """`environment` is that of every attempt."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kills.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Read in whole lines: what is buffered would not be seen by `select`.
            bufsize=0,
            env={**os.environ, **environment},
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self, arguments: Sequence[str], log: Path) -> Attempt:
        """A running attempt; its output goes to the end of `log`."""
        asked, told = (
            cast("IO[bytes]", self._process.stdin),
            cast("IO[bytes]", self._process.stdout),
        )
        asked.write(json.dumps({"arguments": [*arguments], "log": str(log)}).encode() + b"\n")
        line = told.readline()
        if not line:
            raise RuntimeError("the process that starts attempts has ended")
        return _Forked(int(cast("dict[str, int]", json.loads(line))["pid"]), told)

    def close(self) -> None:
        """End the process, which has no attempt by now."""
        cast("IO[bytes]", self._process.stdin).close()
        self._process.wait()


def start_cold(
    arguments: Sequence[str], log: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """An attempt as a user starts it: a new interpreter, and whatever server it wants."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.kills.marked", *arguments],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_hear_hangups,
        )


def _hear_hangups() -> None:
    # Whoever started the campaign may have had it ignored, which is inherited.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _fork(arguments: Sequence[str], log: str) -> int:
    child = os.fork()
    if child:
        return child
    os.setsid()
    _hear_hangups()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    from tests.kills.marked import run_marked

    run_marked(arguments)
    raise AssertionError("the command exits")


def _serve() -> None:
    """Fork what is asked for on standard input, and tell how it ends."""
    for line in sys.stdin:
        wish = cast("dict[str, object]", json.loads(line))
        child = _fork(cast("list[str]", wish["arguments"]), str(wish["log"]))
        _tell({"pid": child})
        _, status = os.waitpid(child, 0)
        _tell({"code": os.waitstatus_to_exitcode(status)})


def _tell(what: Mapping[str, int]) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


def _import_all() -> None:
    from flows import cli as _commands
    from flows.cli.stage import STAGES, flow_of
    from flows.run import preflight as _preflight

    _ = (_commands, _preflight, [flow_of(name) for name in STAGES])


def wait(attempt: Attempt, seconds: float) -> int | None:
    """The exit code, as soon as there is one; None when it still runs after `seconds`."""
    deadline = time.monotonic() + seconds
    while (code := attempt.poll()) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    return code


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _import_all()
    _serve()
