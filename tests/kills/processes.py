"""The processes of a run: who they are, and who of them is left when it has ended (Linux)."""

import ctypes
import os
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lamas.errors import ServerError

ROLES = {
    "embedded": "embedded_process.py",
    "endpoint": "lamas.llm.simulated",
    "sandbox": "lamas.sandbox.inside",
    "server": "flows.orchestrator.guarded",
}
"""What the command line of a run's direct children holds."""
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, kw_only=True)
class Process:
    """One entry of /proc."""

    pid: int
    parent: int
    state: str
    command: str


def adopt_orphans() -> None:
    """Make this process the parent of whatever outlives its own parents below it."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise ServerError("orphans cannot be adopted here: this needs Linux")


def children(pid: int) -> list[Process]:
    """The direct children of a process."""
    return [process for process in _processes() if process.parent == pid]


def workers(pid: int) -> dict[str, int]:
    """Process ids of a run's workers by their role; `pid` is the run's main process."""
    found: dict[str, int] = {}
    for process in children(pid):
        for role, sign in ROLES.items():
            if sign in process.command and process.state != "Z":
                found[role] = process.pid
    return found


def left_running(but: Collection[int], seconds: float) -> list[Process]:
    """Orphans that this process has adopted and that still run after `seconds`.

    `but` are its own children.
    """
    deadline = time.monotonic() + seconds
    while True:
        orphans = [item for item in children(os.getpid()) if item.pid not in but]
        for item in orphans:
            with suppress(ChildProcessError):
                os.waitpid(item.pid, os.WNOHANG)
        running = [item for item in orphans if item.state != "Z"]
        if not running or time.monotonic() > deadline:
            return running
        time.sleep(0.02)


def _processes() -> list[Process]:
    found: list[Process] = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # The name in parentheses may hold anything, spaces and parentheses too.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (
                (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            )
            found.append(
                Process(
                    pid=int(folder.name), parent=int(fields[1]), state=fields[0], command=command
                )
            )
    return found
