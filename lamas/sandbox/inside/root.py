"""The file system a program sees: Python, system libraries, three devices, a scratch folder."""

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from lamas.sandbox.inside import kernel, landlock

SCRATCH = "/scratch"
# Not /dev/zero: mapped and shared it is memory that belongs to no process.
DEVICES = ("/dev/null", "/dev/random", "/dev/urandom")
_SYSTEM_TREES = (
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/share/zoneinfo",
)
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/localtime")
_LOCKED_FLAGS = ((os.ST_NOEXEC, kernel.MS_NOEXEC), (os.ST_NODEV, kernel.MS_NODEV))


@dataclass(frozen=True, kw_only=True, slots=True)
class Readable:
    """What may be read, as real paths on the host."""

    trees: tuple[str, ...]
    files: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    """Symbolic links such as /lib → usr/lib: (path, target)."""
    packages: tuple[str, ...]
    """Folders of third-party packages, for `sys.path`."""


def readable(packages: Iterable[str]) -> Readable:
    """The Python installation of this process, `packages`, and the system's libraries."""
    prefix = os.path.realpath(sys.base_prefix)
    wanted = [f"{prefix}/lib", f"{prefix}/bin", *_SYSTEM_TREES]
    links = tuple((path, os.readlink(path)) for path in _SYSTEM_TREES if os.path.islink(path))
    trees = [path for path in wanted if os.path.isdir(path) and not os.path.islink(path)]
    folders = tuple(path for path in packages if os.path.isdir(path))
    trees.extend(os.path.realpath(path) for path in folders)
    return Readable(
        trees=_without_nested(trees),
        files=tuple(path for path in _SYSTEM_FILES if os.path.isfile(path)),
        links=links,
        packages=tuple(os.path.realpath(path) for path in folders),
    )


def _without_nested(paths: Iterable[str]) -> tuple[str, ...]:
    kept: list[str] = []
    for path in sorted(set(paths)):
        if not any(path == other or path.startswith(f"{other}/") for other in kept):
            kept.append(path)
    return tuple(kept)


def landlock_rules(what: Readable, scratch: str) -> list[tuple[str, int]]:
    """Read the libraries, use the devices, write beneath `scratch` alone."""
    rules = [(path, landlock.READ_TREE) for path in what.trees]
    files = what.files if scratch != SCRATCH else (*what.files, "/etc/passwd", "/etc/group")
    rules += [(path, landlock.READ_FILE) for path in files]
    rules += [(path, landlock.DEVICE) for path in DEVICES]
    rules.append((scratch, landlock.SCRATCH))
    return rules


def enter_new_root(base: str, what: Readable, user: int, group: int) -> None:
    """Replaces this process's root by one that holds only `what`; `base` is an empty folder.

    Needs its own mount namespace and CAP_SYS_ADMIN in it. Raises OSError.
    """
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", base, "tmpfs", kernel.MS_NOSUID, "size=4m,mode=0755")
    for path in what.trees:
        os.makedirs(base + path, exist_ok=True)
        _bind(path, base + path)
    for path in (*what.files, *DEVICES):
        if os.path.exists(path):
            _bind_file(path, base + path)
    for path, target in what.links:
        if not os.path.lexists(base + path):
            os.makedirs(os.path.dirname(base + path), exist_ok=True)
            os.symlink(target, base + path)
    os.makedirs(base + SCRATCH)
    if not os.path.lexists(f"{base}/tmp"):
        os.symlink(SCRATCH, f"{base}/tmp")
    os.makedirs(f"{base}/etc", exist_ok=True)
    _write(f"{base}/etc/passwd", f"sandbox:x:{user}:{group}::{SCRATCH}:/bin/false\n")
    _write(f"{base}/etc/group", f"sandbox:x:{group}:\n")
    os.chdir(base)
    kernel.pivot_root_here()
    flags = kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | kernel.MS_NOSUID
    kernel.mount(None, "/", None, flags)


def _bind(source: str, target: str) -> None:
    try:
        kernel.mount(source, target, None, kernel.MS_BIND)
    except OSError:
        # In a user namespace a tree with mounts beneath it can only be bound together with them.
        kernel.mount(source, target, None, kernel.MS_BIND | kernel.MS_REC)
    _make_read_only(target)


def _bind_file(source: str, target: str) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    _write(target, "")
    kernel.mount(source, target, None, kernel.MS_BIND)
    _make_read_only(target)


def _make_read_only(target: str) -> None:
    flags = kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | kernel.MS_NOSUID
    present = os.statvfs(target).f_flag
    for seen, needed in _LOCKED_FLAGS:
        if present & seen:
            flags |= needed
    kernel.mount(None, target, None, flags)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def mount_scratch(size_bytes: int) -> None:
    """A memory file system of at most `size_bytes`, which goes with the run's namespace."""
    inodes = max(64, min(65_536, size_bytes // 4096))
    kernel.mount(
        "tmpfs",
        SCRATCH,
        "tmpfs",
        kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC,
        f"size={size_bytes},nr_inodes={inodes},mode=0700",
    )
