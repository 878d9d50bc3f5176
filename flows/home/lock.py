"""One writing process for a home folder: whoever comes second is refused, or waits its turn."""

import asyncio
import fcntl
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from io import TextIOWrapper
from pathlib import Path

from flows.settings.section import Overlap
from lamas.errors import WarehouseError, unwritable

POLL_SECONDS = 0.25
BRIEF_SECONDS = 30.0
"""A brief turn is over within moments; who lasts longer is refused as any other."""


@contextmanager
def writer_lock(home: Path) -> Generator[None, None, None]:
    """Only one process writes to a home folder; the kernel frees the lock however it ends.

    Raises WarehouseError when another holds it, or when the folder cannot be written to.
    """
    with _lock_file(home) as handle:
        deadline = time.monotonic() + BRIEF_SECONDS
        while not _taken(handle):
            if not _is_brief(home) or time.monotonic() > deadline:
                raise _refusal(home)
            time.sleep(POLL_SECONDS)
        yield


@contextmanager
def brief_turn(home: Path) -> Generator[bool, None, None]:
    """The turn if it is free now, for moments: whoever comes meanwhile waits rather than being
    refused. Gives whether it is held.
    """
    with _lock_file(home, _BRIEF) as announced, _lock_file(home) as handle:
        yield _taken(announced) and _taken(handle)


def _is_brief(home: Path) -> bool:
    with _lock_file(home, _BRIEF) as handle:
        return not _taken(handle)


@asynccontextmanager
async def writer_turn(
    home: Path, overlap: Overlap, say: Callable[[str], None]
) -> AsyncGenerator[None, None]:
    """`writer_lock`, which with `overlap="wait"` is waited for; `say` is told so once."""
    with _lock_file(home) as handle:
        waiting = False
        deadline = time.monotonic() + BRIEF_SECONDS
        while not _taken(handle):
            brief = time.monotonic() < deadline and _is_brief(home)
            if overlap == "refuse" and not brief:
                raise _refusal(home)
            if not waiting and not brief:
                say(f"another run is writing to {home}; waiting until it ends")
                waiting = True
            await asyncio.sleep(POLL_SECONDS)
        yield


_TURN, _BRIEF = "writer.lock", "intake.lock"


@contextmanager
def _lock_file(home: Path, name: str = _TURN) -> Generator[TextIOWrapper, None, None]:
    try:
        # For its user alone, also where no `lamas` command but a worker's process makes it.
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = (home / name).open("a")
    except OSError as error:
        raise unwritable(home, error.strerror or str(error)) from None
    with handle:
        yield handle


def _taken(handle: TextIOWrapper) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _refusal(home: Path) -> WarehouseError:
    return WarehouseError(
        f"another run is writing to {home}; wait for it (overlap=wait does), stop it, or use "
        "another home=…"
    )
