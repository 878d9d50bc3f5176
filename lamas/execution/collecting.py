"""How many rollouts run at once, and how finished ones reach the warehouse while others run."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lamas.benchmarks.problem_set import ProblemSet
from lamas.domain import AnyResult, PlannedRollout, Rollout
from lamas.errors import BudgetExceededError
from lamas.execution.recorder import Recorder, recorded

RunOne = Callable[[PlannedRollout], Awaitable[Rollout]]
WriteMany = Callable[[Sequence[Rollout]], None]


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What a collection left, beyond the rows."""

    finished: int = 0
    failed: int = 0
    first_error: str | None = None

    def plus(self, outcome: AnyResult, error: str | None) -> "Collected":
        """With one more finished rollout, which failed with `error` if it did."""
        return Collected(
            finished=self.finished + 1,
            failed=self.failed + (outcome.status == "failed"),
            first_error=self.first_error or error,
        )


class RunsRollouts(Protocol):
    """Where a run's rollouts run: in its own process, or spread over an engine's workers."""

    async def run(
        self,
        problems: ProblemSet,
        plans: Sequence[PlannedRollout],
        *,
        on_finished: Callable[[AnyResult], None],
    ) -> Collected:
        """Run `plans` and store what finishes, however it ends."""
        ...


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
    this ends (error, cancellation, spent budget), what has finished is written first. A reached
    budget begins nothing more and is raised when what is in flight has ended: its answers are paid.
    Any other error of `run_one` or `write` cancels the rest and is raised.
    """
    pending = iter(plans)
    recorder = Recorder(write)
    collected = Collected()
    reached: list[BudgetExceededError] = []

    async def work() -> None:
        nonlocal collected
        for planned in pending:
            try:
                rollout = await run_one(planned)
            except BudgetExceededError as error:
                reached.append(error)
                return
            recorder.add(rollout)
            collected = collected.plus(rollout, rollout.error)
            on_finished(rollout)
            if reached:
                return

    async def work_all() -> None:
        async with asyncio.TaskGroup() as workers:
            for _ in range(concurrency):
                workers.create_task(work())

    await recorded(recorder, work_all())
    if reached:
        raise reached[0]
    return collected
