"""The `lamas` command in a process of its own that need not import anything first."""

import os
from collections.abc import Callable
from pathlib import Path

from tests.kills.marked import MARK
from tests.kills.nursery import Attempt, Nursery
from tests.patience import until


class Warm:
    """A command that was started by a fork of a process which has everything imported.

    It leads a process group, as one that a shell starts.
    """

    def __init__(self, attempt: Attempt, log: Path) -> None:
        self._attempt = attempt
        self._log = log
        self._begun = log.stat().st_size if log.exists() else 0

    @property
    def pid(self) -> int:
        return self._attempt.pid

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._attempt.poll()

    def send_signal(self, number: int) -> None:
        """To the process alone, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def said(self) -> str:
        """What it printed so far: of standard output only what was flushed."""
        text = self._log.read_bytes()[self._begun :].decode(errors="replace")
        return "".join(line for line in text.splitlines(True) if not line.startswith(MARK))

    def until(self, holds: Callable[[], object], *, seconds: float = 240.0) -> None:
        """Wait for something that happens while it runs."""

        def look() -> object:
            if found := holds():
                return found
            assert self.poll() is None, self.said()
            return None

        until(look, seconds=seconds, every=0.02)

    def ended(self, *, seconds: float = 240.0) -> tuple[int, str]:
        """Exit code and all it printed, once it has ended by itself."""
        try:
            until(lambda: self.poll() is not None, seconds=seconds, every=0.02)
        except AssertionError:
            self.kill()
            raise AssertionError(f"it did not end by itself; it said: {self.said()}") from None
        code = self.poll()
        assert code is not None
        return code, self.said()

    def kill(self) -> None:
        """End it, whatever it does, and what it started with it."""
        if self.poll() is None:
            os.killpg(self.pid, 9)
            until(lambda: self.poll() is not None, every=0.02)


class Starter:
    """Starts commands one after the other."""

    def __init__(self, nursery: Nursery, folder: Path) -> None:
        """`folder` is where what they print is kept."""
        self._nursery = nursery
        self._folder = folder
        self._number = 0
        self._latest: Warm | None = None

    def __call__(self, *arguments: str) -> Warm:
        """Start one; the one before has ended, or is ended."""
        self.end()
        self._number += 1
        log = self._folder / f"{self._number}.log"
        log.touch()
        self._latest = Warm(self._nursery.start(arguments, log), log)
        return self._latest

    def end(self) -> None:
        """End the latest, if it still runs."""
        if self._latest is not None:
            self._latest.kill()
