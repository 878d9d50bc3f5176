"""One writing process for a home folder: whoever comes second is refused, or waits its turn."""

import asyncio
import fcntl
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from io import TextIOWrapper
from pathlib import Path

from flows.settings.section import Overlap
from lamas.errors import WarehouseError, unwritable

POLL_SECONDS = 0.25


@contextmanager
def writer_lock(home: Path) -> Generator[None, None, None]:
    """Only one process writes to a home folder; the kernel frees the lock however it ends.

    Raises WarehouseError when another holds it, or when the folder cannot be written to.
    """
    with _lock_file(home) as handle:
        if not _taken(handle):
            raise _refusal(home)
        yield


@asynccontextmanager
async def writer_turn(
    home: Path, overlap: Overlap, say: Callable[[str], None]
) -> AsyncGenerator[None, None]:
    """`writer_lock`, which with `overlap="wait"` is waited for; `say` is told so once."""
    with _lock_file(home) as handle:
        waiting = False
        while not _taken(handle):
            if overlap == "refuse":
                raise _refusal(home)
            if not waiting:
                say(f"another run is writing to {home}; waiting until it ends")
                waiting = True
            await asyncio.sleep(POLL_SECONDS)
        yield


@contextmanager
def _lock_file(home: Path) -> Generator[TextIOWrapper, None, None]:
    try:
        # For its user alone, also where no `lamas` command but a worker's process makes it.
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = (home / "writer.lock").open("a")
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
