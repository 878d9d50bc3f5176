"""One proving ground for each backend, shared by all attacks."""

from collections.abc import AsyncIterator
from typing import cast

import pytest
import pytest_asyncio

from lamas.sandbox import ProcessSandbox
from lamas.sandbox.backends import Backend
from tests.sandbox.proving_ground import LIMITS, Ground, proving_ground


@pytest_asyncio.fixture(scope="session", params=["auto", "landlock"])
async def ground(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    """The strongest backend here, and the one for machines without user namespaces."""
    async with proving_ground(cast("Backend", request.param)) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session")
async def sandbox() -> AsyncIterator[ProcessSandbox]:
    """As it comes, with short limits."""
    async with ProcessSandbox(limits=LIMITS, concurrency=6) as opened:
        yield opened
