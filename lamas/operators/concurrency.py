"""Waiting for several awaitables so that one failure never costs the others their result."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Outcome(Generic[T]):
    """What one awaitable came to: a value, or the exception it ended with."""

    __slots__ = ("_values", "error")

    def __init__(self) -> None:
        self._values: list[T] = []
        self.error: Exception | None = None

    @property
    def value(self) -> T:
        """The value; raises the exception instead if there is none."""
        if self.error is not None:
            raise self.error
        return self._values[0]

    async def settle(self, start: Callable[[], Awaitable[T]]) -> None:
        """Run one awaitable to its end and keep what it came to."""
        try:
            self._values.append(await start())
        # The caller looks at every outcome and decides which error to raise.
        except Exception as error:
            self.error = error


async def settle_all(starts: Sequence[Callable[[], Awaitable[T]]]) -> tuple[Outcome[T], ...]:
    """Run all side by side, wait for all, and give the outcomes in the order of `starts`.

    Cancelling the caller cancels and awaits every one of them: no task is left behind.
    """
    outcomes = tuple(Outcome[T]() for _ in starts)
    if len(starts) == 1:
        await outcomes[0].settle(starts[0])
        return outcomes
    async with asyncio.TaskGroup() as group:
        for outcome, start in zip(outcomes, starts, strict=True):
            group.create_task(outcome.settle(start))
    return outcomes
