"""One torch thread: these networks are tiny, and waiting threads cost a busy machine dearly."""

from collections.abc import Iterator

import pytest

from lamas.controller import bounded_threads


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    with bounded_threads():
        yield
