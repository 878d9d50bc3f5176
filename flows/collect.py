"""Rollouts into the warehouse: sample graphs, run operators in parallel, record everything."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from prefect import flow

from flows.collecting import Collected, collect_rollouts
from flows.empty_answers import check_answers, stored_ends
from flows.learners import Learner, chosen_learner
from flows.live import live_runner
from flows.naming import run_name
from flows.needs import needs_of_plans
from flows.operator_runs import rollout_starter
from flows.planning import PlanKey, owed, plan
from flows.problems import ProblemSet, problem_set
from flows.progress import CollectProgress, on_terminal, publish
from flows.scaleout.settling import settle
from flows.scaleout.spread import spread_rollouts
from flows.session import Session, session
from flows.settings import Settings
from lamas.domain import Outcome, PlannedRollout, Rollout, derive_seed
from lamas.errors import ModelUnreachableError
from lamas.scheduling import label
from lamas.training import problem_batch, rollout_seed

LEFT_BEHIND_SECONDS = 60.0
"""Longest wait for workers that an interrupted start of the run left behind."""

NO_SAMPLES: Mapping[str, int | None] = MappingProxyType({})


@flow(name="collect", flow_run_name=run_name("collect"))
async def collect(overrides: list[str] | None = None, checkpoint_id: str | None = None) -> None:
    """Started by hand or by `retrain`, once per step. Reads `problems` and a checkpoint
    (`checkpoint=…`); writes `rollouts` and all that hangs on them.

    May run twice: rollouts that are stored are not run again.
    """
    async with session("collect", overrides) as current:
        problems = problem_set(current)
        learner = chosen_learner(current, checkpoint_id)
        plans = training_plans(current, problems, learner)
        await run_plans(current, problems, plans, name=f"collect step {learner.step + 1}")


def training_plans(
    current: Session, problems: ProblemSet, learner: Learner
) -> tuple[PlannedRollout, ...]:
    """The rollouts of the step after `learner`'s: sampled graphs for one batch of problems."""
    settings, step = current.settings, learner.step + 1
    slots = [
        (problems[problem_id], sample)
        for problem_id in problem_batch(
            [problem.problem_id for problem in problems.train],
            seed=settings.seed,
            step=step - 1,
            size=settings.training.problems_per_step,
        )
        for sample in range(settings.training.rollouts_per_problem)
    ]
    choices = learner.trainer.controller.sample(
        problems.embeddings([problem for problem, _ in slots]),
        [
            rollout_seed(
                seed=settings.seed, step=step, problem_id=problem.problem_id, sample_index=sample
            )
            for problem, sample in slots
        ],
    )
    key = PlanKey(
        run_id=current.run.run_id,
        purpose="train",
        policy=settings.controller.kind,
        checkpoint_id=learner.checkpoint_id,
        mode="sampled",
        execution_mode=settings.execution.mode,
        step=step,
    )
    seed = derive_seed(settings.seed, "train", step)
    return tuple(
        plan(key, problem, choice, sample_index=sample, seed=seed)
        for (problem, sample), choice in zip(slots, choices, strict=True)
    )


async def run_plans(
    current: Session,
    problems: ProblemSet,
    plans: Sequence[PlannedRollout],
    *,
    name: str,
    samples_by_policy: Mapping[str, int | None] = NO_SAMPLES,
) -> None:
    """Run what is missing of `plans` and write it.

    `samples_by_policy` names the policies whose MultiGenerateCoT draws another number of chains
    than configured. Raises ModelUnreachableError when too much fails.
    """
    await asyncio.to_thread(settle, current, wait_seconds=LEFT_BEHIND_SECONDS)
    finished = current.reader.rollout_statuses(current.run.run_id)
    missing = owed(plans, finished, retry_failed=current.retry_failed)
    if not missing:
        check_answers(current.settings, stored_ends(current.warehouse, plans), current.say)
        return
    run = _run_here if current.settings.engine.kind == "local" else spread_rollouts
    progress = CollectProgress(name, len(missing))
    stop = asyncio.Event()
    with on_terminal(progress, current.console):
        publishing = asyncio.create_task(publish(progress, stop))
        try:
            collected = await run(
                current,
                problems,
                missing,
                samples_by_policy=samples_by_policy,
                on_finished=progress.add,
            )
        finally:
            stop.set()
            await publishing
    check_failures(current.settings, collected)
    ends = stored_ends(current.warehouse, (*plans, *missing))
    check_answers(current.settings, ends, current.say)


async def _run_here(
    current: Session,
    problems: ProblemSet,
    plans: Sequence[PlannedRollout],
    *,
    samples_by_policy: Mapping[str, int | None],
    on_finished: Callable[[Outcome], None],
) -> Collected:
    live = live_runner(current, problems.all)
    await live.open(needs_of_plans(current, plans))
    start = rollout_starter(current.settings.execution.granularity)

    async def run_one(planned: PlannedRollout) -> Rollout:
        runner = live.runner(samples_by_policy.get(planned.policy))
        return await start(runner, planned, problems[planned.problem_id])

    def write(rollouts: Sequence[Rollout]) -> None:
        current.writer.add_rollouts([(item, label(item.trace)) for item in rollouts])

    return await collect_rollouts(
        plans,
        run_one=run_one,
        write=write,
        on_finished=on_finished,
        concurrency=current.settings.execution.concurrency,
    )


def check_failures(settings: Settings, collected: Collected) -> None:
    """ModelUnreachableError when more failed than `training.max_failed_fraction` allows."""
    limit = settings.training.max_failed_fraction
    if collected.failed > limit * collected.finished:
        raise ModelUnreachableError(
            f"{collected.failed} of {collected.finished} rollouts failed, more than "
            f"training.max_failed_fraction={limit}; the first said: {collected.first_error}. "
            "Mend that and start the same command again: it goes on from here"
        )
