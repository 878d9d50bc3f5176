"""Where a user's programs keep what every home folder can use again, and how it is put there."""

import os
import uuid
from contextlib import suppress
from pathlib import Path

VARIABLE = "LAMAS_CACHE"
"""Environment variable that names another folder."""


def user_cache() -> Path:
    """The folder; whatever it holds may be gone the next time."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    if base:
        return Path(base) / "lamas"
    # A user without a home folder has none of this either: "~" stays, and is no folder to write to.
    home = os.path.expanduser("~")
    return Path("/nonexistent" if home == "~" else home) / ".cache" / "lamas"


def keep(name: str, content: bytes, *, instead_of: str | None = None) -> None:
    """Put a file into the folder, whole and for its user alone; does nothing where it cannot.

    Other files whose names fit the pattern `instead_of` are removed.
    """
    folder = user_cache()
    unfinished = folder / f".{name}.{uuid.uuid4().hex}"
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as new:
                new.write(content)
            unfinished.replace(folder / name)
            for other in folder.glob(instead_of) if instead_of else ():
                if other.name != name:
                    other.unlink(missing_ok=True)
        finally:
            unfinished.unlink(missing_ok=True)


def kept(name: str) -> Path | None:
    """A file of the folder; None when it is not there, or another user may have written it."""
    path = user_cache() / name
    try:
        found = path.stat()
    except OSError:
        return None
    return path if found.st_uid == os.getuid() and not found.st_mode & 0o022 else None
