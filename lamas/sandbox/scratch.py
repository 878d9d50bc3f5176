"""Scratch folders on disk, for runs without a memory file system of their own."""

import contextlib
import os

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEEPEST = 200
_BLOCK = 4096


def remove_tree(path: str) -> None:
    """Removes a folder however deep it is nested and whatever its permissions; never raises.

    Walks by descriptor and `..`, since a path to the bottom may be too long for any call.
    """
    with contextlib.suppress(OSError):
        os.chmod(path, 0o700)
        _empty(path)
        os.rmdir(path)


def _empty(path: str) -> None:
    above: list[tuple[str, list[str]]] = []
    here = os.open(path, _FOLDER)
    try:
        folders = _unlink_files(here)
        while folders or above:
            if folders:
                name = folders.pop()
                os.chmod(name, 0o700, dir_fd=here)
                here = _move(here, name)
                above.append((name, folders))
                folders = _unlink_files(here)
            else:
                name, folders = above.pop()
                here = _move(here, "..")
                os.rmdir(name, dir_fd=here)
    finally:
        os.close(here)


def _move(here: int, name: str) -> int:
    there = os.open(name, _FOLDER, dir_fd=here)
    os.close(here)
    return there


def _unlink_files(folder: int) -> list[str]:
    """Removes what is no folder; the names of the folders."""
    folders: list[str] = []
    with os.scandir(folder) as entries:
        for entry in list(entries):
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            else:
                os.unlink(entry.name, dir_fd=folder)
    return folders


def used_bytes(path: str, enough: int) -> int:
    """Bytes on disk beneath `path`, a block at least for each entry; more than `enough` when over.

    Folders too deep or closed to look into count as over: a program could hide anything there.
    """
    total = 0
    pending = [(path, 0)]
    while pending and total <= enough:
        folder, depth = pending.pop()
        if depth > _DEEPEST:
            return enough + 1
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append((entry.path, depth + 1))
                    total += max(_BLOCK, entry.stat(follow_symlinks=False).st_blocks * 512)
                    if total > enough:
                        break
        except FileNotFoundError:
            continue
        except OSError:
            return enough + 1
    return total
