"""What one test worker makes for all of them: the first who wants it makes it, the others wait."""

import fcntl
import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder `name` of this test session, filled by `make`, whichever worker asks first.

    Who uses it must not change it. What fails is tried again by the next one.
    """
    folder = common_folder(factory) / name
    with _turn(folder.with_name(f"{name}.lock")):
        done = folder.with_name(f"{name}.done")
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def common_folder(factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this session have, and no other session."""
    base = factory.getbasetemp()
    # Each worker of pytest-xdist has its own folder below that of the session.
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@contextmanager
def _turn(path: Path) -> Generator[None, None, None]:
    """One process at a time; the kernel ends the turn of one that dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
