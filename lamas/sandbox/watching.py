"""What the processes of a run use together, read from /proc by the parent."""

import contextlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass

_TICKS = os.sysconf("SC_CLK_TCK")
_NO_FILES = ("RssAnon:", "RssShmem:", "VmSwap:")


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Of a supervisor and all its descendants."""

    tasks: int
    """Processes and threads, the supervisor left out."""
    cpu_seconds: float
    memory_bytes: int
    """No file's, beyond what every run shares with its zygote; shared pages count for each."""
    pids: tuple[int, ...] = ()
    """Of all but the supervisor."""


def pid_of(pidfd: int) -> int | None:
    """The process behind a pidfd as this process numbers it; None when it is gone."""
    with contextlib.suppress(OSError), open(f"/proc/self/fdinfo/{pidfd}", encoding="ascii") as file:
        for line in file:
            if line.startswith("Pid:"):
                pid = int(line.split()[1])
                return pid if pid > 0 else None
    return None


def own_bytes(pid: int) -> int:
    """Memory that is no file's, shared and swapped out included; 0 when the process is gone."""
    kib = 0
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in _read(f"/proc/{pid}/status").splitlines():
            if line.startswith(_NO_FILES):
                kib += int(line.split()[1])
    return kib * 1024


def usage(supervisor: int, inherited_bytes: int, enough: int = 4096) -> Usage:
    """A snapshot; `inherited_bytes`, shared by each process with its zygote, count as nothing.

    Beyond `enough` tasks it stops looking.
    """
    tasks, ticks, memory = 0, 0, 0
    pids: list[int] = []
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
            pids.append(pid)
            tasks += len(threads)
            memory += max(0, own_bytes(pid) - inherited_bytes)
    cpu_seconds = ticks / _TICKS
    return Usage(tasks=tasks, cpu_seconds=cpu_seconds, memory_bytes=memory, pids=tuple(pids))


def deleted_bytes(pids: Iterable[int]) -> int:
    """On disk in files that have no name any more and that one of the processes holds.

    Of one that is only mapped the mapped part; nothing of processes that may not be looked into.
    """
    sizes: dict[tuple[int, int], int] = {}
    mapped: dict[tuple[int, int], int] = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            for name in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    found = os.stat(f"/proc/{pid}/fd/{name}")
                    if found.st_nlink == 0 and stat.S_ISREG(found.st_mode):
                        sizes[found.st_dev, found.st_ino] = found.st_blocks * 512
        with contextlib.suppress(OSError):
            for line in _read(f"/proc/{pid}/maps").splitlines():
                if line.endswith("(deleted)"):
                    _add_mapped(line, mapped)
    return sum({**mapped, **sizes}.values())


def _add_mapped(line: str, mapped: dict[tuple[int, int], int]) -> None:
    with contextlib.suppress(ValueError):
        place, _, offset, device, inode = line.split(maxsplit=5)[:5]
        start, end = (int(part, 16) for part in place.split("-"))
        major, minor = (int(part, 16) for part in device.split(":"))
        key = (os.makedev(major, minor), int(inode))
        mapped[key] = max(mapped.get(key, 0), int(offset, 16) + end - start)


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
