"""Scratch folders on disk, for runs without a memory file system of their own."""

import contextlib
import os
import stat


def remove_tree(path: str) -> None:
    """Removes a folder however deep it is nested and whatever its permissions; never raises.

    Sub-folders are moved up to the top before they are emptied, so no path grows too long.
    """
    moved = 0
    _open_up(path)
    while True:
        folders = _unlink_files(path)
        if not folders:
            break
        for name in folders:
            folder = os.path.join(path, name)
            _open_up(folder)
            for inner in _unlink_files(folder):
                moved += 1
                with contextlib.suppress(OSError):
                    source = os.path.join(folder, inner)
                    _open_up(source)
                    os.rename(source, os.path.join(path, f".moved-{moved}"))
            try:
                os.rmdir(folder)
            except OSError:
                return
    with contextlib.suppress(OSError):
        os.rmdir(path)


def _open_up(folder: str) -> None:
    with contextlib.suppress(OSError):
        if stat.S_ISDIR(os.lstat(folder).st_mode):
            os.chmod(folder, 0o700)


def _unlink_files(folder: str) -> list[str]:
    """Removes what is no folder; the names of the folders."""
    folders: list[str] = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in list(entries):
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            else:
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)
    return folders


def used_bytes(path: str, enough: int) -> int:
    """Bytes on disk beneath `path`; stops counting beyond `enough`."""
    total = 0
    pending = [path]
    while pending and total <= enough:
        with contextlib.suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                if total > enough:
                    break
    return total
