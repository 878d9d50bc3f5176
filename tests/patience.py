"""How long a test waits before it calls something lost: longer where the machine is slower now."""

import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")
Text = TypeVar("Text", str, bytes)

WORK_SECONDS = 0.02
"""What `_work` takes on an idle core that is no fast one."""
DISK_SECONDS = 0.02
"""What writing a page to an idle disk takes that is no fast one."""
MEASURED_EVERY_SECONDS = 3.0
MOST = 20.0
"""No machine is taken to be slower than so many times an idle one."""


def _work() -> None:
    sum(number * number for number in range(120_000))


def _write() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(bytes(4096))
        file.flush()
        os.fsync(file.fileno())


def _ratio(work: Callable[[], None], nominal: float) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) / nominal


class Pace:
    """How many times as long as on an idle machine things take here, measured now and then."""

    def __init__(self) -> None:
        self._measured_at = 0.0
        self._ratio = 1.0

    def now(self) -> float:
        """From 1 to MOST: by a bit of work, a page written, and who else waits for the cores."""
        if time.monotonic() - self._measured_at > MEASURED_EVERY_SECONDS:
            waiting = os.getloadavg()[0] / (os.cpu_count() or 1)
            measured = max(_ratio(_work, WORK_SECONDS), _ratio(_write, DISK_SECONDS), waiting)
            self._ratio = min(max(1.0, measured), MOST)
            self._measured_at = time.monotonic()
        return self._ratio


PACE = Pace()


class Patience:
    """Seconds of an idle machine: on a busy one they pass as much more slowly."""

    def __init__(self, seconds: float, pace: Pace = PACE) -> None:
        self._left = seconds
        self._pace = pace
        self._looked_at = time.monotonic()

    @property
    def left(self) -> float:
        """What is left, in seconds of this machine as it is now; not positive at the end."""
        now, pace = time.monotonic(), self._pace.now()
        self._left -= (now - self._looked_at) / pace
        self._looked_at = now
        return self._left * pace


def patience(seconds: float) -> float:
    """Seconds of an idle machine as seconds of this one, where a library wants a timeout."""
    return seconds * max(3.0, PACE.now())


def until(
    look: Callable[[], Found],
    *,
    seconds: float = 120.0,
    every: float = 0.05,
    process: "subprocess.Popen[str] | subprocess.Popen[bytes] | None" = None,
) -> Found:
    """What `look` finds, as soon as it finds something; seconds are those of an idle machine.

    Raises AssertionError when patience runs out, or `process` ends before: with its output.
    """
    patience = Patience(seconds)
    while not (found := look()):
        assert process is None or process.poll() is None, process.communicate()
        assert patience.left > 0, f"waited {seconds:.0f} s of an idle machine in vain"
        time.sleep(every)
    return found


async def soon(look: Callable[[], Found], *, seconds: float = 60.0, every: float = 0.02) -> Found:
    """`until` in a coroutine."""
    patience = Patience(seconds)
    while not (found := look()):
        assert patience.left > 0, f"waited {seconds:.0f} s of an idle machine in vain"
        await asyncio.sleep(every)
    return found


def ended(process: "subprocess.Popen[Text]", *, seconds: float = 240.0) -> tuple[Text, Text]:
    """Output of a process that is about to end; it is killed when patience runs out."""
    patience = Patience(seconds)
    while True:
        try:
            return process.communicate(timeout=max(1.0, min(patience.left, 5.0)))
        except subprocess.TimeoutExpired:
            if patience.left <= 0:
                process.kill()
                said = process.communicate()
                raise AssertionError(f"it did not end by itself; it said: {said}") from None


def ran(
    command: Sequence[str],
    *,
    seconds: float = 240.0,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """A command that has run to its end, whatever its exit code."""
    with subprocess.Popen(
        command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        stdout, stderr = ended(process, seconds=seconds)
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)
