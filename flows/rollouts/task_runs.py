"""What one Prefect task run is: an operator invocation, or more than that for large runs."""

import logging
from collections.abc import Awaitable, Callable
from typing import Generic, Literal, TypeVar, cast

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.context import TagsContext
from prefect.states import Cancelled, Completed, Failed

from lamas.domain import OperatorInvocation, PlannedRollout, Problem, Rollout
from lamas.execution import InvocationLabel, RolloutRunner

logger = logging.getLogger(__name__)

T = TypeVar("T")

RunRollout = Callable[[RolloutRunner, PlannedRollout, Problem], Awaitable[Rollout]]


class Work(Generic[T]):
    """A piece of work and, afterwards, its outcome.

    Prefect keeps what a task returns until its flow ends; handing results over in here keeps
    memory flat and lets a failed invocation be shown as failed without an exception.
    """

    __slots__ = ("error", "result", "start")

    def __init__(self, start: Callable[[], Awaitable[T]]) -> None:
        self.start = start
        self.result: T | None = None
        self.error: BaseException | None = None

    async def run(self) -> T | None:
        """Keep the result or the error; never raises."""
        try:
            self.result = await self.start()
        except BaseException as error:
            self.error = error
        return self.result

    @property
    def done(self) -> bool:
        """Whether there is an outcome."""
        return self.result is not None or self.error is not None

    def outcome(self) -> T:
        """The result; raises what the work raised."""
        if self.error is not None:
            raise self.error
        assert self.result is not None
        return self.result


@task(name="operator", task_run_name="{name}", cache_policy=NO_CACHE, persist_result=False)
async def operator_run(name: str, work: Work[OperatorInvocation]) -> State[None]:
    """One operator invocation; a failed or cancelled one is shown so, with its reason."""
    invocation = await work.run()
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
    rollout = await work.run()
    if rollout is None:
        return Failed(message=f"{type(work.error).__name__}: {work.error}")
    if rollout.status == "failed":
        return Failed(message=rollout.error or "failed")
    return Completed(message=f"score {rollout.score}, CP_len {rollout.cp_tokens:.0f} tokens")


@task(name="batch", task_run_name="{name}", cache_policy=NO_CACHE, persist_result=False)
async def batch_run(name: str, work: Work[T]) -> State[None]:
    """Many rollouts that belong together; each of their failures is a row, not a state."""
    await work.run()
    if work.error is not None:
        return Failed(message=f"{type(work.error).__name__}: {work.error}")
    return Completed()


async def as_batch(name: str, start: Callable[[], Awaitable[T]]) -> T:
    """`start`'s outcome, shown as one task run."""
    work = Work(start)
    await _shown(work, batch_run(name, work, return_state=True))
    return work.outcome()


async def _shown(work: Work[T], task_run: object) -> None:
    """Do `work` by waiting for a task run that was called with `return_state=True`.

    What only concerns the showing (a server that is gone for a while) ends no work. Prefect's
    overloads type that call as its state also for async tasks, where it is awaitable.
    """
    try:
        # With tags the engine would ask the server for a slot of each before every run.
        with TagsContext(current_tags=set()):
            await cast("Awaitable[State[None]]", task_run)
    except Exception as error:
        logger.debug("a task run could not be shown: %s", error)
        if not work.done:
            await work.run()


async def _as_operator_run(
    label: InvocationLabel, start: Callable[[], Awaitable[OperatorInvocation]]
) -> OperatorInvocation:
    work = Work(start)
    name = f"{label.operator} · layer {label.layer} · {label.problem_id}"
    await _shown(work, operator_run(name, work, return_state=True))
    return work.outcome()


async def _operator_granularity(
    runner: RolloutRunner, planned: PlannedRollout, problem: Problem
) -> Rollout:
    return await runner.run(planned, problem, invoke=_as_operator_run)


async def _rollout_granularity(
    runner: RolloutRunner, planned: PlannedRollout, problem: Problem
) -> Rollout:
    work = Work(lambda: runner.run(planned, problem))
    await _shown(
        work, rollout_run(f"{planned.policy} · {problem.problem_id}", work, return_state=True)
    )
    return work.outcome()


async def _batch_granularity(
    runner: RolloutRunner, planned: PlannedRollout, problem: Problem
) -> Rollout:
    return await runner.run(planned, problem)


_STARTERS: dict[Literal["operator", "rollout", "batch"], RunRollout] = {
    "operator": _operator_granularity,
    "rollout": _rollout_granularity,
    "batch": _batch_granularity,
}


def rollout_starter(granularity: Literal["operator", "rollout", "batch"]) -> RunRollout:
    """How a rollout is run so that its task runs have the wished grain."""
    return _STARTERS[granularity]
