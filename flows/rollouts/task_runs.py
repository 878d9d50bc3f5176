"""What one Prefect task run is: an operator invocation, or more than that for large runs."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Generic, Literal, TypeVar, cast

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.context import TagsContext
from prefect.states import Cancelled, Completed, Failed

from flows.rollouts.showing_allowance import SHARE, Allowance, Metered
from lamas.domain import OperatorInvocation, PlannedRollout, Problem, Rollout
from lamas.execution import InvocationLabel, RolloutRunner

logger = logging.getLogger(__name__)

T = TypeVar("T")

Granularity = Literal["auto", "operator", "rollout", "batch"]


class Work(Generic[T]):
    """A piece of work and, afterwards, its outcome.

    It runs where it is needed; a task run that shows it waits for it, and never the other way
    round. Prefect keeps what a task returns until its flow ends; handing results over in here keeps
    memory flat and lets a failed invocation be shown as failed without an exception.
    """

    __slots__ = ("_ended", "_start", "error", "result")

    def __init__(self, start: Callable[[], Awaitable[T]]) -> None:
        self._start = start
        self._ended = asyncio.Event()
        self.result: T | None = None
        self.error: BaseException | None = None

    async def run(self) -> T | None:
        """Keep the result or the error; never raises."""
        try:
            self.result = await self._start()
        except BaseException as error:
            self.error = error
        self._ended.set()
        return self.result

    async def ended(self) -> T | None:
        """The result, once there is one; None after an error."""
        await self._ended.wait()
        return self.result

    def outcome(self) -> T:
        """The result; raises what the work raised."""
        if self.error is not None:
            raise self.error
        assert self.result is not None
        return self.result


@task(name="operator", task_run_name="{name}", cache_policy=NO_CACHE, persist_result=False)
async def operator_run(name: str, work: Work[OperatorInvocation]) -> State[None]:
    """One operator invocation; a failed or cancelled one is shown so, with its reason."""
    invocation = await work.ended()
    if invocation is None:
        return Failed(message=f"{type(work.error).__name__}: {work.error}")
    if invocation.status == "failed":
        return Failed(message=invocation.error or "failed")
    if invocation.status == "cancelled":
        return Cancelled(message=invocation.error or "cancelled")
    cut = sum(call.status == "cancelled" for call in invocation.calls)
    return Completed(
        message=f"{invocation.output_tokens} tokens, {invocation.tool_seconds:.2f} s tools, "
        f"{invocation.cost_usd:.6f} USD" + (f", {cut} chains cancelled" if cut else "")
    )


@task(name="rollout", task_run_name="{name}", cache_policy=NO_CACHE, persist_result=False)
async def rollout_run(name: str, work: Work[Rollout]) -> State[None]:
    """One rollout; a failed one is shown as Failed with its reason."""
    rollout = await work.ended()
    if rollout is None:
        return Failed(message=f"{type(work.error).__name__}: {work.error}")
    if rollout.status == "failed":
        return Failed(message=rollout.error or "failed")
    return Completed(message=f"score {rollout.score}, CP_len {rollout.cp_tokens:.0f} tokens")


@task(name="batch", task_run_name="{name}", cache_policy=NO_CACHE, persist_result=False)
async def batch_run(name: str, work: Work[T]) -> State[None]:
    """Many rollouts that belong together; each of their failures is a row, not a state."""
    await work.ended()
    if work.error is not None:
        return Failed(message=f"{type(work.error).__name__}: {work.error}")
    return Completed()


async def as_batch(name: str, start: Callable[[], Awaitable[T]]) -> T:
    """`start`'s outcome, shown as one task run."""
    work = Work(start)
    async with _beside(_shown(batch_run(name, work, return_state=True))):
        await work.run()
    return work.outcome()


async def _shown(task_run: object) -> None:
    """Wait for a task run that was called with `return_state=True`.

    What only concerns the showing (a server that is gone for a while) is nobody's failure.
    Prefect's overloads type that call as its state also for async tasks, where it is awaitable.
    """
    try:
        # With tags the engine would ask the server for a slot of each before every run.
        with TagsContext(current_tags=set()):
            await cast("Awaitable[State[None]]", task_run)
    except Exception as error:
        logger.debug("a task run could not be shown: %s", error)


@asynccontextmanager
async def _beside(
    *showing: Coroutine[object, object, None],
) -> AsyncGenerator[list[asyncio.Task[None]], None]:
    """Lets `showing`, and what is added to it, go on beside the block and end after it."""
    tasks = [asyncio.create_task(item) for item in showing]
    try:
        yield tasks
    finally:
        await asyncio.gather(*tasks, return_exceptions=True)


class Showing:
    """How the rollouts of one collection are run so that their task runs have the wished grain."""

    def __init__(
        self, granularity: Granularity, *, say: Callable[[str], None] = logger.info
    ) -> None:
        """`say` is told once when `auto` shows less than every operator."""
        self._granularity: Granularity = granularity
        self._say = say
        self._told = False
        self.allowance = Allowance()

    async def __call__(
        self, runner: RolloutRunner, planned: PlannedRollout, problem: Problem
    ) -> Rollout:
        """The rollout; what shows it costs no time of it."""
        match self._grain(planned):
            case "operator":
                return await self._by_operator(runner, planned, problem)
            case "rollout":
                work = Work(lambda: runner.run(planned, problem))
                name = f"{planned.policy} · {problem.problem_id}"
                shown = _shown(self._metered(rollout_run(name, work, return_state=True)))
                async with _beside(shown):
                    await work.run()
                return work.outcome()
            case "batch":
                return await runner.run(planned, problem)

    def _grain(self, planned: PlannedRollout) -> Literal["operator", "rollout", "batch"]:
        if self._granularity != "auto":
            return self._granularity
        if self.allowance.reserve(len(_operators(planned))):
            return "operator"
        if not self._told:
            self._told = True
            self._say(
                "execution.granularity=auto: showing every operator as a task run would take more "
                f"than {SHARE:.0%} of a core ({1000 * self.allowance.seconds_each:.0f} ms each): "
                "some rollouts are shown as one task run or not at all; all are stored"
            )
        return "rollout" if self.allowance.reserve(1) else "batch"

    async def _by_operator(
        self, runner: RolloutRunner, planned: PlannedRollout, problem: Problem
    ) -> Rollout:
        async with _beside() as showing:

            async def invoke(
                label: InvocationLabel, start: Callable[[], Awaitable[OperatorInvocation]]
            ) -> OperatorInvocation:
                work = Work(start)
                name = f"{label.operator} · layer {label.layer} · {label.problem_id}"
                task_run = self._metered(operator_run(name, work, return_state=True))
                showing.append(asyncio.create_task(_shown(task_run)))
                await work.run()
                return work.outcome()

            try:
                return await runner.run(planned, problem, invoke=invoke)
            finally:
                # An early stop runs fewer than planned, a vote by the model one more.
                self.allowance.give_back(len(_operators(planned)) - len(showing))

    def _metered(self, task_run: object) -> Metered[State[None]]:
        return Metered(cast("Awaitable[State[None]]", task_run), self.allowance.paid)


def _operators(planned: PlannedRollout) -> list[str]:
    return [name for layer in planned.graph.layers for name in layer.operators]
