"""Planned rollouts run where the engine says, and what is missing of them stored."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from flows.home.intake import served_folder, take_in_served
from flows.rollouts.empty_answers import check_answers, stored_ends
from flows.rollouts.here import Here
from flows.rollouts.progress import CollectProgress, on_terminal, publish
from flows.rollouts.shards.intake import take_in_rest
from flows.rollouts.shards.spread import Shards
from flows.run.session import Session
from flows.settings import Settings
from lamas.benchmarks.problem_set import ProblemSet
from lamas.domain import PlannedRollout
from lamas.errors import ModelUnreachableError
from lamas.execution.collecting import Collected, RunsRollouts
from lamas.execution.planning import owed
from lamas.llm.empty_answers import AnswerEnd

LEFT_BEHIND_SECONDS = 60.0
"""Longest wait for workers that an interrupted start of the run left behind."""


LAST_FIGURES_SECONDS = 2.0
"""Longest wait for the server to take the last figures of a collection."""


async def run_plans(
    current: Session,
    problems: ProblemSet,
    plans: Sequence[PlannedRollout],
    *,
    name: str,
) -> None:
    """Run what is missing of `plans` and write it.

    Raises ModelUnreachableError when too much fails.
    """
    await asyncio.to_thread(take_in_rest, current, wait_seconds=LEFT_BEHIND_SECONDS)
    served = served_folder(current.settings.home)
    await asyncio.to_thread(take_in_served, current.warehouse, served, current.say)
    stored = current.reader.rollout_statuses(current.run.run_id)

    async def run(missing: Sequence[PlannedRollout]) -> Collected:
        progress = CollectProgress(name, len(missing))
        stop = asyncio.Event()
        with on_terminal(progress, current.console):
            publishing = asyncio.create_task(publish(progress, stop))
            try:
                return await rollouts_of(current).run(
                    problems,
                    missing,
                    on_finished=progress.add,
                )
            finally:
                stop.set()
                # A server that is behind delays nothing: its last figures are left out then.
                await asyncio.wait([publishing], timeout=LAST_FIGURES_SECONDS)
                publishing.cancel()

    def ends(missing: Sequence[PlannedRollout]) -> list[AnswerEnd]:
        return stored_ends(current.warehouse, (*plans, *missing))

    await run_owed(current, plans, stored, run, ends)


async def run_owed(
    current: Session,
    plans: Sequence[PlannedRollout],
    stored: Mapping[str, str],
    run: Callable[[Sequence[PlannedRollout]], Awaitable[Collected]],
    ends: Callable[[Sequence[PlannedRollout]], list[AnswerEnd]],
) -> None:
    """Let `run` run those of `plans` that are not `stored` (status by rollout id), then judge them.

    `ends` says how the answers of the plans, and of those that were missing, ended. Raises
    ModelUnreachableError when too many rollouts failed or too many answers are empty.
    """
    missing = owed(plans, stored, retry_failed=current.shared.retry_failed)
    if missing:
        check_failures(current.settings, await run(missing))
    check_answers(current.settings, ends(missing), current.say)


def rollouts_of(current: Session) -> RunsRollouts:
    """Where the run's rollouts run, as `engine` says; the same from its first batch to its last."""
    if current.rollouts is None:
        local = current.settings.engine.kind == "local"
        current.rollouts = Here(current) if local else Shards(current)
    return current.rollouts


def check_failures(settings: Settings, collected: Collected) -> None:
    """ModelUnreachableError when more failed than `training.max_failed_fraction` allows."""
    limit = settings.training.max_failed_fraction
    if collected.failed > limit * collected.finished:
        raise ModelUnreachableError(
            f"{collected.failed} of {collected.finished} rollouts failed, more than "
            f"training.max_failed_fraction={limit}; the first said: {collected.first_error}. "
            "Mend that and start the same command again: it goes on from here"
        )
