"""Something that is opened when it is first needed, once, however many ask at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Opened = TypeVar("Opened")


class Once(Generic[Opened]):
    """Opens on the first `get`; an opening that fails is tried again by the next one."""

    def __init__(self, opening: Callable[[], Awaitable[Opened]]) -> None:
        self._opening = opening
        self._alone = asyncio.Lock()
        self._opened: list[Opened] = []

    async def get(self) -> Opened:
        """What was opened; raises what the opening raises."""
        async with self._alone:
            if not self._opened:
                self._opened.append(await self._opening())
        return self._opened[0]
