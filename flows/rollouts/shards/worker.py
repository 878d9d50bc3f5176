"""What happens in a worker: a shard's rollouts are run and landed; no warehouse is opened."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from flows.orchestrator.quiet import hide_leak_report, leave_runs_to_the_ui
from flows.rollouts.shards.shard import Shard
from flows.rollouts.task_runs import Showing
from flows.wiring.model import open_model
from flows.wiring.parts import Parts
from lamas.domain import Clock, PlannedRollout, Rollout
from lamas.errors import BudgetExceededError
from lamas.execution.collecting import collect_rollouts
from lamas.execution.requirements import requirements_of
from lamas.llm import LazyModel, ResponseStore
from lamas.timing import label
from warehouse.landing import write_landed

HELD_SECONDS = 300.0
"""Longest wait for another worker that runs the same shard."""
TERM_SECONDS = 0.5
"""How often a worker looks whether its run still wants it."""


@dataclass(frozen=True, kw_only=True)
class ShardReport:
    """How a shard ended; its rollouts have landed."""

    exhausted: str | None = None
    """What the cap said that ended it before all rollouts had run."""


async def run_shard(shard: Shard) -> ShardReport:
    """Run `shard` and land what finished, however it ends; a landed shard is not run again.

    Raises what running rollouts raises, and CancelledError when the run's process no longer wants
    it: an answer that was paid is stored then, and not paid again.
    """
    hide_leak_report()
    leave_runs_to_the_ui()
    with shard.landing.held(shard.name, wait_seconds=HELD_SECONDS):
        if shard.folder.exists() or shard.done.exists():
            return ShardReport()
        finished: list[Rollout] = []
        try:
            async with _while_wanted(shard):
                await _run(shard, finished)
        except BudgetExceededError as error:
            return ShardReport(exhausted=str(error))
        finally:
            if finished:
                labelled = [(item, label(item.trace)) for item in finished]
                write_landed(shard.folder, labelled, texts=shard.settings.recording.texts)
        return ShardReport()


async def _run(shard: Shard, finished: list[Rollout]) -> None:
    problems = {problem.problem_id: problem for problem in shard.problems}
    async with AsyncExitStack() as stack:
        place = Parts(shard.settings, stack, problems=shard.problems)
        store = stack.enter_context(
            ResponseStore(shard.answers, run_id=shard.run_id, earlier=shard.earlier)
        )
        clock = Clock()
        model = LazyModel(
            lambda: open_model(
                shard.settings,
                stack,
                shard.problems,
                store=store,
                budget=shard.budget,
                clock=clock,
                served=shard.endpoint,
            )
        )
        live = place.runner(model, clock)
        graphs = (item.graph for item in shard.plans)
        await live.open(requirements_of(graphs, place.catalogue, place.benchmark, any_graph=False))
        start = Showing(shard.settings.execution.granularity)

        async def run_one(planned: PlannedRollout) -> Rollout:
            return await start(live.runner, planned, problems[planned.problem_id])

        await collect_rollouts(
            shard.plans,
            run_one=run_one,
            write=finished.extend,
            on_finished=lambda rollout: None,
            concurrency=shard.settings.execution.concurrency,
        )


@asynccontextmanager
async def _while_wanted(shard: Shard) -> AsyncGenerator[None, None]:
    """Cancels what is in its block once the shard's term is over."""
    working = asyncio.current_task()
    assert working is not None, "a coroutine runs in a task"

    async def watch() -> None:
        # Another machine may end the term: there is nothing here that could be told.
        while shard.landing.term() == shard.term:  # noqa: ASYNC110
            await asyncio.sleep(TERM_SECONDS)
        working.cancel()

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
