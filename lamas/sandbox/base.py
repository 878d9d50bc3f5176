"""The folder a sandbox builds in: whose it is, and how those of dead ones are swept."""

import contextlib
import fcntl
import os
import re
import tempfile
from dataclasses import dataclass

from lamas.sandbox.scratch import remove_tree

_PREFIX = "lamas-sandbox"
_OURS = re.compile(rf"{_PREFIX}-\d+-\d+-\w+")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """A folder named after user and process, locked as long as that process lives."""

    path: str
    lock: int
    """Descriptor of the folder; the kernel gives the lock back however its holder ends."""

    def remove(self) -> None:
        """The folder and whatever is in it; never raises."""
        remove_tree(self.path)
        os.close(self.lock)


def make() -> Base:
    """A new folder in the temporary directory. Raises OSError."""
    while True:
        name = f"{_PREFIX}-{os.geteuid()}-{os.getpid()}-"
        path = os.path.realpath(tempfile.mkdtemp(prefix=name))
        # Another sandbox that sweeps right now may take a folder without a lock for an old one.
        lock = _locked(path)
        if lock is not None:
            return Base(path=path, lock=lock)


def sweep() -> int:
    """Removes this user's folders whose makers are gone; how many there were.

    A process id would not do: it is given anew, and other containers number their own.
    """
    swept = 0
    folder = os.path.realpath(tempfile.gettempdir())
    for name in os.listdir(folder):
        if _OURS.fullmatch(name) is None:
            continue
        path = os.path.join(folder, name)
        lock = _locked(path)
        if lock is not None:
            Base(path=path, lock=lock).remove()
            swept += 1
    return swept


def _locked(path: str) -> int | None:
    """A descriptor that holds the folder's lock; None when it is not ours, in use or gone."""
    with contextlib.ExitStack() as undo:
        try:
            descriptor = os.open(path, _FOLDER)
            undo.callback(os.close, descriptor)
            if os.fstat(descriptor).st_uid != os.geteuid():
                return None
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(descriptor), os.stat(path, follow_symlinks=False)):
                return None
        except OSError:
            return None
        undo.pop_all()
        return descriptor
