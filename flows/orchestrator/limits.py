"""Limits on what all processes together ask of an endpoint, kept by the Prefect server."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from urllib.parse import urlsplit

import httpx

from flows.settings import Settings
from lamas.errors import ServerError
from lamas.llm.sender import Admission

LEASE_SECONDS = 60.0
"""A killed process frees its slots after so long; a living one renews them."""
RETRY_SECONDS = 1.0


async def admission_to(settings: Settings) -> Admission:
    """What waits for the endpoint's turn, by `llm.across_processes`; its limits are set now.

    They are Prefect's global concurrency limits, named after the endpoint and shown in its UI.
    Where nothing is configured, or the endpoint is this process's own, nobody waits.
    """
    config, address = settings.llm.across_processes, settings.llm.base_url
    if address is None or (config.concurrency is None and config.per_second is None):
        return nullcontext
    # Prefect reads its settings when it is imported: not before the server is known.
    from prefect.concurrency.asyncio import concurrency, rate_limit

    name = f"llm {urlsplit(address).netloc} {settings.llm.model}"
    rate = f"{name} per second"
    if config.concurrency is not None:
        await _set(name, config.concurrency)
    if config.per_second is not None:
        await _set(rate, math.ceil(config.per_second), per_second=config.per_second)

    @asynccontextmanager
    async def admission() -> AsyncGenerator[None, None]:
        async with AsyncExitStack() as stack:
            if config.concurrency is not None:
                # A lease that cannot be renewed is no reason to lose a call that is being paid.
                await _granted(
                    lambda: stack.enter_async_context(
                        concurrency(
                            name,
                            lease_duration=LEASE_SECONDS,
                            raise_on_lease_renewal_failure=False,
                        )
                    ),
                    patience_seconds=settings.llm.retry.outage_seconds,
                )
            if config.per_second is not None:
                await _granted(
                    lambda: rate_limit(rate),
                    patience_seconds=settings.llm.retry.outage_seconds,
                )
            yield

    return admission


async def _set(name: str, limit: int, *, per_second: float | None = None) -> None:
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectAlreadyExists

    async with get_client() as client:
        try:
            await client.upsert_global_concurrency_limit_by_name(name, limit, per_second)
        except ObjectAlreadyExists:
            # Another process made it since this one looked.
            await client.upsert_global_concurrency_limit_by_name(name, limit, per_second)


async def _granted(ask: Callable[[], Awaitable[None]], *, patience_seconds: float) -> None:
    """Ask for a turn, again and again while the server cannot be reached."""
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            return await ask()
        except Exception as error:
            if not isinstance(error.__cause__, httpx.TransportError):
                raise
            if time.monotonic() > deadline:
                raise ServerError(
                    "the Prefect server that keeps llm.across_processes gave no turn for "
                    f"{patience_seconds:g} s ({error.__cause__}): start it, or leave those "
                    "limits out"
                ) from error
        await asyncio.sleep(RETRY_SECONDS)
