"""How finished work reaches the warehouse while more of it is going on."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Generic, TypeVar, cast

T = TypeVar("T")

FLUSH_SECONDS = 0.5
FLUSH_ITEMS = 1024


class Recorder(Generic[T]):
    """Collects items and writes them in batches, in the order they came."""

    def __init__(
        self, write: Callable[[Sequence[T]], None], *, seconds: float | None = None
    ) -> None:
        """`write` stores a batch every `seconds`, in a thread, never twice at a time."""
        self._write = write
        self._seconds = FLUSH_SECONDS if seconds is None else seconds
        self._buffer: list[T] = []
        self._done = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None

    def add(self, item: T) -> None:
        """Leave an item to be written; returns at once."""
        self._buffer.append(item)

    async def run(self) -> None:
        """Write what comes now and then until `stop`; raises what `write` raises."""
        while not self._done.is_set():
            try:
                await asyncio.wait_for(self._done.wait(), self._seconds)
            except TimeoutError:
                await self._flush()

    def stop(self) -> None:
        """Let `run` end; what is left is written by `close`."""
        self._done.set()

    async def close(self) -> None:
        """Write what is left, whatever ended the work."""
        if self._writing is not None:
            # Its error, if it has one, comes again from the write below.
            await asyncio.gather(self._writing, return_exceptions=True)
        if self._buffer:
            self._write(tuple(self._buffer))
            self._buffer.clear()

    async def _flush(self) -> None:
        while self._buffer:
            # A thread cannot be cancelled: its batch must not be written twice.
            self._writing = asyncio.create_task(self._write_batch())
            await asyncio.shield(self._writing)

    async def _write_batch(self) -> None:
        batch = tuple(self._buffer[:FLUSH_ITEMS])
        await asyncio.to_thread(self._write, batch)
        del self._buffer[: len(batch)]


async def recorded(recorder: Recorder[T], work: Coroutine[None, None, None]) -> None:
    """Do `work`, which adds to `recorder`; everything it added is written however it ends.

    An error of the work or of writing cancels the other and is raised.
    """

    async def working() -> None:
        await work
        recorder.stop()

    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(recorder.run())
            tasks.create_task(working())
    except BaseExceptionGroup as group:
        raise first_leaf(group) from None
    finally:
        await recorder.close()


def first_leaf(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of nested groups."""
    first = group.exceptions[0]
    if isinstance(first, BaseExceptionGroup):
        return first_leaf(cast("BaseExceptionGroup[BaseException]", first))
    return first
