"""What the processes of a run use together, read from /proc by the parent."""

import contextlib
import os
from dataclasses import dataclass

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Of a supervisor and all its descendants."""

    tasks: int
    """Processes and threads, the supervisor left out."""
    cpu_seconds: float
    memory_bytes: int
    """Resident and private, beyond what every run shares with its zygote."""


def pid_of(pidfd: int) -> int | None:
    """The process behind a pidfd as this process numbers it; None when it is gone."""
    with contextlib.suppress(OSError), open(f"/proc/self/fdinfo/{pidfd}", encoding="ascii") as file:
        for line in file:
            if line.startswith("Pid:"):
                pid = int(line.split()[1])
                return pid if pid > 0 else None
    return None


def private_bytes(pid: int) -> int:
    """Resident memory that is no file's; 0 when the process is gone."""
    try:
        resident, shared = _read(f"/proc/{pid}/statm").split()[1:3]
    except (OSError, ValueError):
        return 0
    return max(0, int(resident) - int(shared)) * _PAGE


def usage(supervisor: int, inherited_bytes: int, enough: int = 4096) -> Usage:
    """A snapshot; `inherited_bytes`, shared by each process with its zygote, count as nothing.

    Beyond `enough` tasks it stops looking.
    """
    tasks, ticks, memory = 0, 0, 0
    pending = [supervisor]
    while pending and tasks <= enough:
        pid = pending.pop()
        try:
            threads = os.listdir(f"/proc/{pid}/task")
            fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
        except OSError:
            continue
        # Fields 14 to 17 of stat: own user and system time, then of the children it waited for.
        ticks += sum(int(value) for value in fields[11:15])
        for thread in threads:
            with contextlib.suppress(OSError, ValueError):
                children = _read(f"/proc/{pid}/task/{thread}/children")
                pending.extend(int(child) for child in children.split())
        if pid != supervisor:
            tasks += len(threads)
            memory += max(0, private_bytes(pid) - inherited_bytes)
    return Usage(tasks=tasks, cpu_seconds=ticks / _TICKS, memory_bytes=memory)


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
