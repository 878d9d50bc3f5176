"""How much is taken on: places in flight, a bounded queue, requests and money of each client."""

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager

from lamas.gateway.keys import Client
from lamas.gateway.refusal import RefusedError

DAY_SECONDS = 86_400.0
_USUAL_SECONDS = 1.0


class Places:
    """So many requests run at a time, so many wait; what comes beyond is told to come again."""

    def __init__(self, running: int, waiting: int) -> None:
        self._slots = asyncio.Semaphore(running)
        self._most = running
        self._most_waiting = waiting
        self._usual_seconds = _USUAL_SECONDS
        self.running = 0
        self.waiting = 0

    @asynccontextmanager
    async def place(self, now: Callable[[], float]) -> AsyncGenerator[None]:
        """A place, once there is one; RefusedError (429) when too many wait already."""
        if self._slots.locked() and self.waiting >= self._most_waiting:
            raise RefusedError(
                f"{self.running} requests run and {self.waiting} wait: come again later",
                status=429,
                kind="rate_limit_error",
                code="queue_full",
                retry_after_seconds=self._usual_seconds * (self.waiting + 1) / self._most,
            )
        self.waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self.waiting -= 1
        self.running += 1
        began = now()
        try:
            yield
        finally:
            self._usual_seconds += 0.1 * (now() - began - self._usual_seconds)
            self.running -= 1
            self._slots.release()


class Allowances:
    """What each client has used of its requests and of its money."""

    def __init__(self, spent_today: Mapping[str, float] | None = None) -> None:
        """`spent_today`: USD by client that the day of UTC has cost so far."""
        self._spent = dict(spent_today or {})
        self._day = -1
        self._tokens: dict[str, tuple[float, float]] = {}

    def take(self, client: Client, now: float) -> None:
        """Count one request at `now` (epoch seconds); RefusedError (429) at a limit."""
        self._turn(now)
        if self._spent.get(client.name, 0.0) >= client.usd_per_day:
            raise RefusedError(
                f"{client.name} has spent its {client.usd_per_day:g} USD of today: come again "
                "tomorrow (UTC), or raise usd_per_day of its key",
                status=429,
                kind="insufficient_quota",
                code="insufficient_quota",
                retry_after_seconds=DAY_SECONDS - now % DAY_SECONDS,
            )
        rate = client.requests_per_minute
        if math.isinf(rate):
            return
        # A bucket that holds a minute's requests and is filled evenly.
        level, since = self._tokens.get(client.name, (rate, now))
        level = min(rate, level + (now - since) * rate / 60.0)
        if level < 1.0 - 1e-9 and level < rate:
            self._tokens[client.name] = (level, now)
            raise RefusedError(
                f"{client.name} may send {rate:g} requests a minute: come again later",
                status=429,
                kind="rate_limit_error",
                code="rate_limit_exceeded",
                retry_after_seconds=(min(1.0, rate) - level) * 60.0 / rate,
            )
        self._tokens[client.name] = (level - 1.0, now)

    def spend(self, client: Client, usd: float, now: float) -> None:
        """Add what a request cost."""
        self._turn(now)
        self._spent[client.name] = self._spent.get(client.name, 0.0) + usd

    def spent(self) -> Mapping[str, float]:
        """USD of today by client."""
        return dict(self._spent)

    def _turn(self, now: float) -> None:
        day = math.floor(now / DAY_SECONDS)
        if self._day not in (-1, day):
            self._spent.clear()
        self._day = day
