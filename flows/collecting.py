"""How many rollouts run at once, and how finished ones reach the warehouse while others run."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from lamas.domain import PlannedRollout, Rollout

FLUSH_SECONDS = 0.5
FLUSH_ROLLOUTS = 256

RunOne = Callable[[PlannedRollout], Awaitable[Rollout]]
WriteMany = Callable[[Sequence[Rollout]], None]


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What a collection left, beyond the rows."""

    finished: int
    failed: int
    first_error: str | None


async def collect_rollouts(
    plans: Iterable[PlannedRollout],
    *,
    run_one: RunOne,
    write: WriteMany,
    on_finished: Callable[[Rollout], None],
    concurrency: int,
) -> Collected:
    """Run `plans` with at most `concurrency` in flight; write finished ones in batches.

    Memory does not grow with the number of plans: a rollout is let go once it is written. However
    this ends (error, cancellation, spent budget), what has finished is written first. An error of
    `run_one` or `write` cancels the rest and is raised.
    """
    pending = iter(plans)
    buffer: list[Rollout] = []
    finished = failed = 0
    first_error: str | None = None
    done = asyncio.Event()
    writing: asyncio.Task[None] | None = None

    async def work() -> None:
        nonlocal finished, failed, first_error
        for planned in pending:
            rollout = await run_one(planned)
            buffer.append(rollout)
            finished += 1
            if rollout.status == "failed":
                failed += 1
                first_error = first_error or rollout.error
            on_finished(rollout)

    async def write_batch() -> None:
        batch = tuple(buffer[:FLUSH_ROLLOUTS])
        await asyncio.to_thread(write, batch)
        del buffer[: len(batch)]

    async def flush() -> None:
        nonlocal writing
        while buffer:
            # A thread cannot be cancelled: its batch must not be written twice.
            writing = asyncio.create_task(write_batch())
            await asyncio.shield(writing)

    async def flush_regularly() -> None:
        while not done.is_set():
            try:
                await asyncio.wait_for(done.wait(), FLUSH_SECONDS)
            except TimeoutError:
                await flush()

    async def work_all() -> None:
        async with asyncio.TaskGroup() as workers:
            for _ in range(concurrency):
                workers.create_task(work())
        done.set()

    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(flush_regularly())
            tasks.create_task(work_all())
    except BaseExceptionGroup as group:
        raise _first_leaf(group) from None
    finally:
        if writing is not None:
            # Its error, if it has one, comes again from the write below.
            await asyncio.gather(writing, return_exceptions=True)
        if buffer:
            write(tuple(buffer))
    return Collected(finished=finished, failed=failed, first_error=first_error)


def _first_leaf(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    if isinstance(first, BaseExceptionGroup):
        return _first_leaf(cast("BaseExceptionGroup[BaseException]", first))
    return first
