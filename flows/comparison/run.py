"""All members of a comparison side by side, and what they make into the warehouse."""

import asyncio
from collections.abc import Sequence

from flows.comparison.member_run import Finished, Item, MemberRun, Step
from flows.comparison.members import KIND, Member
from flows.comparison.table_member import Taught
from flows.rollouts.here import live_runner
from flows.rollouts.progress import CollectProgress, on_terminal, publish
from flows.run.problems import problem_set
from flows.run.record import record_end
from flows.run.session import Session
from flows.run.table import table_problems
from flows.run.table_learning import store_learned
from lamas.domain import Rollout
from lamas.execution.recorder import Recorder, recorded
from lamas.execution.requirements import requirements_of
from lamas.timing import label

WRITTEN_SECONDS = 2.0
"""Longer than elsewhere: to open the warehouse costs as much as to write hundreds of rollouts."""


async def run_members(root: Session, members: Sequence[Member], *, name: str) -> None:
    """Run what is missing of every member; rows are written while others run.

    However this ends, what has finished is stored; members that did not finish are marked so.
    """
    progress = CollectProgress(name, _owed(root, members))
    stop = asyncio.Event()
    recorder = Recorder[Item](lambda items: _write(root, items), seconds=WRITTEN_SECONDS)
    slots = asyncio.Semaphore(root.settings.execution.concurrency)
    at_once = asyncio.Semaphore(root.settings.comparison.at_once)

    teachers: dict[str, str] = {}
    for member in members:
        teachers.setdefault(member.variant.name, member.session.run.run_id)

    async def run_one(member: Member) -> None:
        async with at_once:
            running = MemberRun(
                member,
                record=recorder.add,
                on_rollout=progress.add,
                slots=slots,
                teacher=teachers.get(root.settings.comparison.controls or ""),
            )
            await running.run()

    async def run_all() -> None:
        async with asyncio.TaskGroup() as group:
            for member in members:
                group.create_task(run_one(member))

    live = live_runner(root, problem_set(root).all)
    await live.open(requirements_of((), root.catalogue, root.benchmark, any_graph=True))
    with on_terminal(progress, root.console):
        publishing = asyncio.create_task(publish(progress, stop))
        try:
            await recorded(recorder, run_all())
        except BaseException as error:
            _mark_unfinished(root, members, error)
            raise
        finally:
            stop.set()
            await publishing


def _owed(root: Session, members: Sequence[Member]) -> int:
    """Rollouts that the members will have, less those they have."""
    total = 0
    for member in members:
        settings = member.session.settings
        training, config = settings.training, settings.evaluation
        evaluated = problem_set(root).of_split(config.split)[: config.problems]
        total += len(evaluated) * config.samples
        if member.variant.by_table:
            rows = len(table_problems(member.session, problem_set(root)))
            cells = settings.table.samples * len(member.session.operators.tabulated)
            total += rows * cells
        elif member.variant.control == "oracle":
            total += len(evaluated) * len(member.session.operators.tabulated)
        elif not member.variant.alone:
            total += training.steps * training.problems_per_step * training.rollouts_per_problem
        if root.shared.resumed:
            total -= len(root.reader.rollout_statuses(member.session.run.run_id))
    return total


def _write(root: Session, items: Sequence[Item]) -> None:
    for part in in_order(items):
        _write_part(root, part)


def in_order(items: Sequence[Item]) -> list[list[Item]]:
    """Parts in which no rollout was drawn by a checkpoint that the same part stores."""
    # A part is one write: its rollouts first, then its steps with the checkpoints they made. A
    # rollout's row names the checkpoint that drew it, which must be there before.
    parts: list[list[Item]] = [[]]
    made: set[str] = set()
    for item in items:
        if isinstance(item, Rollout) and item.plan.checkpoint_id in made:
            parts.append([])
            made.clear()
        elif isinstance(item, Step):
            made.add(item.moved.checkpoint.checkpoint_id)
        elif isinstance(item, Taught):
            made.add(item.learned.fit.checkpoint_id)
        parts[-1].append(item)
    return parts


def _write_part(root: Session, items: Sequence[Item]) -> None:
    rollouts = [item for item in items if isinstance(item, Rollout)]
    steps = [item for item in items if isinstance(item, Step)]
    if rollouts:
        root.writer.add_rollouts([(item, label(item.trace)) for item in rollouts])
    if steps:
        root.writer.add_updates(
            [step.moved.update for step in steps],
            checkpoints=[step.moved.checkpoint for step in steps],
            credits=[credit for step in steps for credit in step.credited.credits],
            predictions=[item for step in steps for item in step.credited.predictions],
        )
    for item in items:
        if isinstance(item, Taught):
            store_learned(root.writer, item.learned)
    for step in steps:
        if step.obsolete is not None:
            step.obsolete.unlink(missing_ok=True)
    for item in items:
        if isinstance(item, Finished):
            root.writer.add_evaluations(item.metrics)
            root.writer.finish_run(item.run_id, "completed", ended_at=item.ended_at)


def _mark_unfinished(root: Session, members: Sequence[Member], error: BaseException) -> None:
    running = {run.run_id for run in root.reader.runs(kind=KIND) if run.status == "running"}
    for member in members:
        if member.session.run.run_id in running:
            record_end(member.session, error, "its comparison was ended")
