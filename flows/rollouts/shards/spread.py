"""What the run's own process does: hand out shards, merge what landed, keep to the caps."""

import asyncio
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import replace
from typing import cast

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.rollouts.shards.engines import NewTaskRunner, lost_worker, open_engine
from flows.rollouts.shards.intake import copied_answers, landing_of, take_in, take_in_rest
from flows.rollouts.shards.served import serve_to_workers
from flows.rollouts.shards.shard import Shard
from flows.rollouts.shards.worker import ShardReport, run_shard
from flows.run.budget import budget_left, paid_answers
from flows.run.session import Session
from lamas.benchmarks.problem_set import ProblemSet
from lamas.domain import AnyResult, PlannedRollout
from lamas.errors import BudgetExceededError, LamasError, ServerError
from lamas.execution.collecting import Collected
from lamas.execution.recorder import first_leaf
from lamas.llm import Budget, EndpointSettings, ResponseStore

LEAVING_SECONDS = 10.0
"""How long workers get to land what they have when a run is stopped."""
TRIES = 2
"""Starts of a shard from which nothing lands."""


@task(name="shard", task_run_name="{name}", cache_policy=NO_CACHE, persist_result=False)
async def shard_run(name: str, shard: Shard) -> ShardReport:
    """One shard, in a worker; each of its failures is a row."""
    return await run_shard(shard)


# Neither an argument of the flow nor a part of it: Prefect pickles a task's flow to the workers
# that run the task, and a session cannot be pickled. A context variable stays in this process,
# and each run of the flow sees the one set before it.
_work: ContextVar[Callable[[], Awaitable[None]]] = ContextVar("work")


async def _do_work() -> None:
    await _work.get()()


@flow(name="shards")
async def shards() -> None:
    """Started by `collect` and `evaluate`: rollouts in shards, each a task run in a worker."""
    await _do_work()


class Shards:
    """Runs a run's rollouts in shards on the configured engine."""

    def __init__(self, current: Session) -> None:
        self._current = current
        self._new_task_runner: NewTaskRunner | None = None
        self._endpoint: EndpointSettings | None = None
        """The embedded model, which the run serves to its workers."""

    async def run(
        self,
        problems: ProblemSet,
        plans: Sequence[PlannedRollout],
        *,
        on_finished: Callable[[AnyResult], None],
    ) -> Collected:
        """Run `plans` in shards and store what they land.

        However this ends, what has landed is stored; what workers land later is at the next start.
        Raises what a worker raises, BudgetExceededError when all of the caps is spent, and
        ServerError when workers are lost.
        """
        current = self._current
        new_task_runner = await self._opened()
        with paid_answers(current) as store:
            landing = landing_of(current)
            # Workers of an earlier start may still be at it: they stop once the term is not theirs.
            term = uuid.uuid4().hex
            landing.begin(term)
            blank = Shard(
                settings=current.settings,
                run_id=current.payer.run_id,
                landing=landing,
                plans=(),
                problems=(),
                budget=Budget(),
                endpoint=self._endpoint,
                earlier=copied_answers(landing, store) if current.shared.resumed else None,
                term=term,
            )
            spreading = _Spreading(current, problems, blank, store, on_finished)
            _work.set(lambda: spreading.run(plans))
            engine = current.settings.engine
            spread = shards.with_options(
                flow_run_name=f"{len(plans)} rollouts · {engine.workers} {engine.kind} workers",
                task_runner=new_task_runner(),
            )
            try:
                await spread()
            except BaseException:
                landing.end()
                # What cannot be stored now is at the next start.
                with suppress(LamasError):
                    await asyncio.to_thread(take_in_rest, current, wait_seconds=LEAVING_SECONDS)
                raise
            await asyncio.to_thread(take_in_rest, current, wait_seconds=LEAVING_SECONDS)
            return spreading.collected

    async def _opened(self) -> NewTaskRunner:
        """The engine and the endpoint, started when they are needed; they end with the run."""
        current, settings = self._current, self._current.settings
        if self._new_task_runner is None:
            # The model first: workers are born with its key.
            if settings.llm.kind == "embedded":
                self._endpoint = await serve_to_workers(settings, current.stack)
            self._new_task_runner = await asyncio.to_thread(
                open_engine, settings.engine, current.stack
            )
        return self._new_task_runner


class _Spreading:
    """One collection over an engine.

    The caps are kept by leases: a shard is sent with a budget of its own, a share of what is left
    after what other shards hold. A lease is given back only when what its shard spent is on record
    (`_merged`), so that no two shards can spend the same dollar and a worker that dies takes its
    share out of circulation only until its answers are counted.
    """

    def __init__(
        self,
        current: Session,
        problems: ProblemSet,
        blank: Shard,
        store: ResponseStore,
        on_finished: Callable[[AnyResult], None],
    ) -> None:
        """`blank` is a shard without rollouts."""
        self._current = current
        self._problems = problems
        self._blank = blank
        self._store = store
        self._on_finished = on_finished
        self._leases: dict[str, Budget] = {}
        self._merging = asyncio.Lock()
        self._workers = current.settings.engine.workers
        self.collected = Collected()

    async def run(self, plans: Sequence[PlannedRollout]) -> None:
        """All of `plans`, several shards at once; under a cap what is left over one by one."""
        size = self._current.settings.engine.shard
        waiting = deque(plans[start : start + size] for start in range(0, len(plans), size))
        left_over: list[Sequence[PlannedRollout]] = []

        async def work() -> None:
            while waiting:
                left, exhausted = await self._finish(waiting.popleft(), alone=False)
                if exhausted:
                    left_over.append(left)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._workers, len(waiting))):
                    group.create_task(work())
        except BaseExceptionGroup as group:
            raise first_leaf(group) from None
        for part in left_over:
            _, exhausted = await self._finish(part, alone=True)
            if exhausted:
                raise BudgetExceededError(exhausted)

    async def _finish(
        self, plans: Sequence[PlannedRollout], *, alone: bool
    ) -> tuple[Sequence[PlannedRollout], str | None]:
        """(what is left of `plans`, what the cap said); all of it has run where no cap spoke."""
        tries, again = 0, alone
        while plans:
            shard = self._shard(plans, await asyncio.to_thread(self._budget, alone))
            if again:
                copy = await asyncio.to_thread(copied_answers, shard.landing, self._store)
                shard = replace(shard, earlier=copy)
            again = True
            # Until what it spent is on record.
            self._leases[shard.name] = shard.budget
            try:
                report = await self._submitted(shard)
                landed = await self._merged(shard)
            finally:
                del self._leases[shard.name]
            plans = [item for item in plans if item.rollout_id not in landed]
            if report.exhausted:
                return plans, report.exhausted
            tries = 0 if landed else tries + 1
            if tries == TRIES:
                raise ServerError(
                    f"{len(plans)} rollouts were run {TRIES} times and did not land in "
                    f"{shard.landing.folder}: check that file system, then start the same "
                    "command again"
                )
        return plans, None

    async def _submitted(self, shard: Shard) -> ShardReport:
        name = f"{len(shard.plans)} rollouts · {shard.plans[0].policy}"
        try:
            future = shard_run.submit(name, shard)
            # The stubs give an async task's result as a coroutine, which it is not.
            return cast("ShardReport", await asyncio.to_thread(future.result))
        except Exception as error:
            raise lost_worker(self._current.settings.engine, error) or error from None

    async def _merged(self, shard: Shard) -> set[str]:
        async with self._merging:
            outcomes = await asyncio.to_thread(take_in, self._current, self._store, shard)
        for outcome, error in outcomes:
            self.collected = self.collected.plus(outcome, error)
            self._on_finished(outcome)
        return {outcome.rollout_id for outcome, _ in outcomes}

    def _shard(self, plans: Sequence[PlannedRollout], budget: Budget) -> Shard:
        named = dict.fromkeys(planned.problem_id for planned in plans)
        return replace(
            self._blank,
            plans=tuple(plans),
            problems=tuple(self._problems[problem_id] for problem_id in named),
            budget=budget,
        )

    def _budget(self, alone: bool) -> Budget:
        """What the next shard may spend: all that is left, or an equal share of it."""
        caps = self._current.settings.llm
        if caps.max_usd is None and caps.max_calls is None:
            return Budget()
        left = budget_left(self._current, self._store)
        if alone:
            return left
        idle, leases = self._workers - len(self._leases), self._leases.values()
        share = Budget()
        if left.max_usd is not None:
            free = left.max_usd - left.spent_usd - sum(item.max_usd or 0.0 for item in leases)
            share = replace(share, max_usd=max(0.0, free / idle))
        if left.max_calls is not None:
            free = left.max_calls - left.made_calls - sum(item.max_calls or 0 for item in leases)
            share = replace(share, max_calls=max(0, free // idle))
        return share
