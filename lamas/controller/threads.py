"""How many threads torch may use, bounded for a block and given back after it."""

import threading
from collections.abc import Generator
from contextlib import contextmanager

import torch

_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def bounded_threads(count: int = 1) -> Generator[None]:
    """Run the block on `count` torch threads, one such block of the process at a time.

    One thread also fixes the order of every reduction, so equal inputs give equal bits.
    """
    with _ONE_AT_A_TIME:
        before = torch.get_num_threads()
        torch.set_num_threads(count)
        try:
            yield
        finally:
            torch.set_num_threads(before)
