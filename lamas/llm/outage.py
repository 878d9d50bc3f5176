"""How long an endpoint that takes no connection is waited for, by all its calls together."""

import asyncio
import logging
from collections.abc import Callable

from lamas.llm.settings import RetryPolicy

logger = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 5.0
"""Between two tries, so that a run goes on soon after the endpoint has come back."""


class Outage:
    """What one model's calls know of its endpoint being gone; for one event loop.

    The wait is bounded once for all of them: a call that begins when it is over tries once.
    """

    def __init__(self, retry: RetryPolicy, where: str, ended: Callable[[], str]) -> None:
        """`where` names the endpoint in what is logged; `ended` says why it never comes back."""
        self._retry = retry
        self._where = where
        self._ended = ended
        self._since: float | None = None

    def gone(self, reason: str) -> None:
        """A try found nobody; `reason` is logged once in an outage."""
        if self._since is None:
            self._since = _now()
            logger.warning(
                "%s cannot be reached (%s); trying again for %g s (llm.retry.outage_seconds)",
                self._where,
                reason,
                self._retry.outage_seconds,
            )

    def reached(self) -> None:
        """Somebody answered, whatever it was."""
        if self._since is not None:
            logger.warning("%s is back after %.0f s", self._where, _now() - self._since)
            self._since = None

    def left_seconds(self) -> float:
        """How much longer to wait; 0 or less when it is over, or nobody will come back."""
        if self._ended():
            return 0.0
        since = _now() if self._since is None else self._since
        return since + self._retry.outage_seconds - _now()

    async def pause(self, tries: int, jitter: Callable[[], float]) -> None:
        """Wait before the next try, after `tries` ≥ 1 of this call; the last one is at the end."""
        delay = min(self._retry.delay_seconds(tries, jitter()), LONGEST_PAUSE_SECONDS)
        await asyncio.sleep(min(delay, max(0.0, self.left_seconds())))


def _now() -> float:
    return asyncio.get_running_loop().time()
