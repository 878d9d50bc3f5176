"""One member from its first weights to its metrics, gone on with from whatever is stored."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.comparison.members import Member
from flows.comparison.table_member import Taught, control, taught
from flows.rollouts.empty_answers import ends_of
from flows.rollouts.here import live_runner
from flows.rollouts.run import run_owed
from flows.rollouts.task_runs import Showing, as_batch
from flows.run.credit_clock import credit_clock
from flows.run.evaluated import Entrant, evaluation_label, fixed, learned
from flows.run.learners import Learner, Moved, initial_learner, move, stored_learner
from flows.run.plans import evaluation_plans, training_plans
from flows.run.problems import problem_set
from lamas.benchmarks.problem_set import ProblemSet
from lamas.domain import (
    EvaluationMetric,
    PlannedRollout,
    Problem,
    Rollout,
    RolloutResult,
    derive_seed,
)
from lamas.domain.latency import LatencyModel
from lamas.evaluation import summarise
from lamas.execution.collecting import Collected
from lamas.training import checkpoint_path
from lamas.training.latency_credit import Credited, credited

EVALUATED_TOGETHER = 100
"""Rollouts of an evaluation in one task run."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One optimiser step, to be stored."""

    moved: Moved
    credited: Credited
    obsolete: Path | None
    """The checkpoint file that nothing needs once the step is stored."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The end of a member, to be stored."""

    run_id: str
    metrics: tuple[EvaluationMetric, ...]
    ended_at: float


Item = Rollout | Step | Taught | Finished


class MemberRun:
    """Trains and evaluates one member; everything it makes is handed to `record`, in order."""

    def __init__(
        self,
        member: Member,
        *,
        record: Callable[[Item], None],
        on_rollout: Callable[[Rollout], None],
        slots: asyncio.Semaphore,
        teacher: str | None = None,
    ) -> None:
        """`slots` bounds the rollouts in flight of all members together; `teacher` is the run on
        whose table controls are chosen.
        """
        self._member = member
        self._teacher = teacher
        self._session = member.session
        self._record = record
        self._on_rollout = on_rollout
        self._slots = slots
        self._problems: ProblemSet = problem_set(self._session)
        self._live = live_runner(self._session, self._problems.all)
        self._start = Showing(self._session.settings.execution.granularity, say=self._session.say)
        self._stored: Mapping[str, str] = {}
        self._clock: LatencyModel | None = None

    async def run(self) -> None:
        """Go on from what is stored, to the metrics."""
        if self._session.run.status == "completed":
            return
        if self._session.shared.resumed:
            self._stored = self._session.reader.rollout_statuses(self._session.run.run_id)
        entrant = await self._entrant()
        await self._evaluate(entrant)

    async def _entrant(self) -> Entrant:
        variant, evaluated = self._member.variant, self._evaluated
        if variant.fixed is not None:
            return fixed(self._session, variant.fixed, evaluated)
        if variant.control is not None:
            assert self._teacher is not None, "controls are configured with their variant"
            return await control(
                self._session,
                self._tabulated,
                evaluated,
                kind=variant.control,
                teacher=self._teacher,
            )
        if variant.by_table:
            chooser = await taught(self._session, self._tabulated, self._record)
            return learned(self._session, chooser, self._problems, evaluated)
        return learned(self._session, await self._train(), self._problems, evaluated)

    @property
    def _evaluated(self) -> tuple[Problem, ...]:
        config = self._session.settings.evaluation
        return self._problems.of_split(config.split)[: config.problems]

    async def _tabulated(self, plans: Sequence[PlannedRollout]) -> Sequence[Rollout]:
        batch = await as_batch(
            f"cells of {plans[0].problem_id} and others · {self._member.label}",
            lambda: self._rollouts(plans),
        )
        return batch.latest

    async def _train(self) -> Learner:
        run_id = self._session.run.run_id
        self._clock = await asyncio.to_thread(credit_clock, self._session, run_id)
        learner = await asyncio.to_thread(self._latest)
        steps = self._session.settings.training.steps
        while learner.step < steps:
            learner = await as_batch(
                f"step {learner.step + 1} of {steps} · {self._member.label}",
                lambda: self._step(learner),  # noqa: B023 - awaited before the loop moves on
            )
        return learner

    def _latest(self) -> Learner:
        """The last stored learner whose file is still there; steps after it are made again."""
        current = self._session
        first = initial_learner(current)
        if not current.shared.resumed:
            return first
        made = sorted(current.reader.updates(current.run.run_id), key=lambda item: -item.step)
        for item in made:
            path = current.settings.home / current.registry.checkpoint(item.checkpoint_after).path
            if path.exists():
                return stored_learner(current, item.checkpoint_after)
        return first

    async def _step(self, learner: Learner) -> Learner:
        current = self._session
        plans = training_plans(current, self._problems, learner)
        batch = await self._rollouts(plans)
        finished = [item for item in batch.latest if item.status == "ok"]
        credit = credited(learner.trainer, finished, model=self._clock)
        names = sorted({item.problem_id for item in finished})
        embeddings = self._problems.embeddings([self._problems[name] for name in names])
        moved = await asyncio.to_thread(
            move,
            current,
            learner,
            finished,
            credit.credits,
            dict(zip(names, embeddings, strict=True)),
            run_id=current.run.run_id,
            failed=batch.failed_tries,
        )
        used = checkpoint_path(current.settings.checkpoints_folder, learner.checkpoint_id)
        obsolete = used if moved.update.step > 1 else None
        self._record(Step(moved=moved, credited=credit, obsolete=obsolete))
        return moved.learner(learner.trainer)

    async def _evaluate(self, entrant: Entrant) -> None:
        current = self._session
        plans = evaluation_plans(current, [entrant], self._evaluated)
        outcomes: list[RolloutResult] = []
        for start in range(0, len(plans), EVALUATED_TOGETHER):
            part = plans[start : start + EVALUATED_TOGETHER]
            batch = await as_batch(
                f"rollouts {start + 1} to {start + len(part)} of {len(plans)} · "
                f"{self._member.label}",
                lambda: self._rollouts(part),  # noqa: B023 - as above
            )
            outcomes += [RolloutResult.of(item) for item in batch.latest]
        seed = derive_seed(current.settings.evaluation.seed, "bootstrap")
        metrics = await asyncio.to_thread(
            summarise, outcomes, evaluation_label(current, entrant), seed=seed
        )
        self._record(
            Finished(run_id=current.run.run_id, metrics=metrics, ended_at=current.clock.now())
        )

    async def _rollouts(self, plans: Sequence[PlannedRollout]) -> "Batch":
        """Stored ones as they are, the others run and recorded."""
        stored = self._stored_of(plans)
        fresh: list[Rollout] = []
        runner = self._live.runner

        async def one(planned: PlannedRollout) -> Rollout:
            async with self._slots:
                rollout = await self._start(runner, planned, self._problems[planned.problem_id])
            self._record(rollout)
            self._on_rollout(rollout)
            return rollout

        async def run(missing: Sequence[PlannedRollout]) -> Collected:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(planned)) for planned in missing]
            fresh.extend(task.result() for task in tasks)
            errors = [item.error for item in fresh if item.status == "failed"]
            return Collected(
                finished=len(fresh), failed=len(errors), first_error=errors[0] if errors else None
            )

        await run_owed(self._session, plans, self._stored, run, lambda _: ends_of(fresh))
        tries = sorted((*stored, *fresh), key=lambda item: item.order)
        return Batch(
            latest=tuple({_slot(item.plan): item for item in tries}.values()),
            failed_tries=sum(item.status == "failed" for item in tries),
        )

    def _stored_of(self, plans: Sequence[PlannedRollout]) -> list[Rollout]:
        """Every stored try of the slots of `plans`."""
        if not self._stored:
            return []
        slots, first = {_slot(planned) for planned in plans}, plans[0]
        found = self._session.reader.rollouts(
            first.run_id,
            step=first.step,
            purpose=first.purpose,
            # Each operator of a table is a policy of its own.
            policy=None if first.purpose == "tabulate" else first.policy,
            with_calls=self._clock is not None and first.purpose == "train",
        )
        return [item for item in found if _slot(item.plan) in slots]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Rollouts that were planned together."""

    latest: tuple[Rollout, ...]
    """The last try of every slot, in `Rollout.order`."""
    failed_tries: int
    """Failed ones among all tries."""


def _slot(planned: PlannedRollout) -> tuple[str, int, str]:
    return planned.problem_id, planned.sample_index, planned.policy
