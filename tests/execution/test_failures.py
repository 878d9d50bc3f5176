"""One operator's failure, a reached budget, a cancellation: what is kept and what is stopped."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import pytest

from lamas.domain import (
    ExecutionGraph,
    ExecutionMode,
    Layer,
    OperatorInvocation,
    OperatorSpec,
    Problem,
)
from lamas.errors import BudgetExceededError, ModelUnreachableError, SandboxError, ServerError
from lamas.execution import GraphExecutor, InvocationLabel, RolloutRunner
from lamas.llm import ChatRequest
from lamas.operators import Candidate, Catalogue, Chain, Operator, SolutionState
from tests.execution.rollouts import PROBLEM, ToyBenchmark, executor_for, plan_of
from tests.scripted import Reply, ScriptedModel, ScriptedSandbox, last_number
from tests.timing.agreement import check

THREE = [["Generate", "GenerateCoT", "MultiGenerateCoT"], ["SelfRefine"]]


def failing(failures: Mapping[str, Exception]) -> ScriptedModel:
    def script(request: ChatRequest) -> Reply | Exception:
        return failures.get(request.labels["operator"], Reply("42", seconds=0.002, cost_usd=0.5))

    return ScriptedModel(script)


@pytest.mark.parametrize(
    "error", [ModelUnreachableError("503 four times"), KeyError("a bug"), SandboxError("no bwrap")]
)
async def test_one_failure_keeps_its_siblings_and_ends_the_rollout(error: Exception) -> None:
    model = failing({"GenerateCoT": error})
    runner = RolloutRunner(executor_for(model), ToyBenchmark())
    rollout = await runner.run(plan_of(THREE), PROBLEM)
    statuses = {item.operator: item.status for item in rollout.trace.invocations}
    assert statuses == {"Generate": "ok", "GenerateCoT": "failed", "MultiGenerateCoT": "ok"}
    assert [len(item.candidates) for item in rollout.trace.invocations] == [1, 0, 3]
    assert (rollout.status, rollout.score, rollout.answer) == ("failed", None, None)
    assert rollout.error is not None
    assert "GenerateCoT in layer 1" in rollout.error
    assert type(error).__name__ in rollout.error
    assert rollout.cost_usd == 2.0
    check(rollout)


async def test_a_failed_branch_keeps_the_records_of_the_others() -> None:
    def script(request: ChatRequest) -> Reply | Exception:
        if request.labels["branch"] == "1":
            return ModelUnreachableError("down")
        return Reply("42", tokens=7)

    runner = RolloutRunner(executor_for(ScriptedModel(script)), ToyBenchmark())
    rollout = await runner.run(plan_of([["MultiGenerateCoT"]]), PROBLEM)
    (invocation,) = rollout.trace.invocations
    assert (invocation.status, invocation.candidates) == ("failed", ())
    assert [call.branch for call in invocation.calls] == [0, 2]
    assert invocation.total_output_tokens == 14


async def test_in_turn_nothing_runs_after_a_failure() -> None:
    model = failing({"GenerateCoT": ModelUnreachableError("down")})
    runner = RolloutRunner(executor_for(model), ToyBenchmark())
    rollout = await runner.run(plan_of(THREE, mode="sequential"), PROBLEM)
    assert [item.operator for item in rollout.trace.invocations] == ["Generate", "GenerateCoT"]
    assert rollout.status == "failed"


async def test_failing_post_processing_fails_the_rollout() -> None:
    def script(request: ChatRequest) -> Reply | Exception:
        if request.labels["operator"] == "ScEnsemble":
            return ModelUnreachableError("down")
        return Reply(request.labels["operator"])

    runner = RolloutRunner(executor_for(ScriptedModel(script)), ToyBenchmark())
    rollout = await runner.run(plan_of([["Generate", "GenerateCoT"]]), PROBLEM)
    assert rollout.status == "failed"
    assert [item.kind for item in rollout.trace.invocations] == ["graph", "graph", "post"]


async def test_an_error_is_one_short_line() -> None:
    model = failing({"Generate": ModelUnreachableError("a\n  b" + "c" * 2000)})
    execution = await executor_for(model).execute(plan_of([["Generate"]]), PROBLEM)
    error = execution.trace.invocations[0].error
    assert error is not None
    assert error.startswith("ModelUnreachableError: a bccc")
    assert len(error) == 500


@pytest.mark.parametrize("mode", ["parallel", "sequential"])
async def test_a_reached_budget_ends_the_run_but_siblings_finish(mode: ExecutionMode) -> None:
    model = failing({"GenerateCoT": BudgetExceededError("cap of 1 USD reached")})
    runner = RolloutRunner(executor_for(model), ToyBenchmark())
    with pytest.raises(BudgetExceededError, match="cap of 1 USD"):
        await runner.run(plan_of(THREE, mode=mode), PROBLEM)
    assert model.running == 0


async def test_a_reached_budget_counts_more_than_a_broken_watcher() -> None:
    async def watcher(
        label: InvocationLabel, start: Callable[[], Awaitable[OperatorInvocation]]
    ) -> OperatorInvocation:
        if label.operator == "Generate":
            raise ServerError("the server is gone")
        return await start()

    model = failing({"GenerateCoT": BudgetExceededError("cap")})
    with pytest.raises(BudgetExceededError):
        await executor_for(model).execute(plan_of(THREE), PROBLEM, invoke=watcher)


class Idle(Operator):
    """Promises `spec.adds` candidates and leaves none."""

    spec = OperatorSpec(name="Idle", description="Does nothing.")

    async def run(
        self, problem: Problem, state: SolutionState, chain: Chain
    ) -> tuple[Candidate, ...]:
        return ()


class Boaster(Idle):
    spec = OperatorSpec(name="Boaster", description="Promises more than it does.", adds=2)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (Idle, "Idle leaves no candidate"),
        (Boaster, "Boaster left 0 candidates, its spec promises 2"),
    ],
)
async def test_an_operator_that_leaves_too_little_fails_the_rollout(
    entry: type[Operator], message: str
) -> None:
    catalogue = Catalogue([entry.spec.name], read_answer=last_number, entries=(entry,))
    executor = GraphExecutor(catalogue=catalogue, model=failing({}), sandbox=ScriptedSandbox())
    graph = ExecutionGraph((Layer((entry.spec.name,)),))
    plan = replace(plan_of([["Generate"]]), graph=graph)
    rollout = await RolloutRunner(executor, ToyBenchmark()).run(plan, PROBLEM)
    assert (rollout.status, rollout.answer, rollout.score) == ("failed", None, None)
    assert message in (rollout.error or "")


async def test_what_the_watcher_raises_is_no_operators_failure() -> None:
    async def watcher(
        label: InvocationLabel, start: Callable[[], Awaitable[OperatorInvocation]]
    ) -> OperatorInvocation:
        if label.operator == "Generate":
            raise ServerError("the server is gone")
        return await start()

    model = failing({})
    with pytest.raises(ServerError, match="is gone"):
        await executor_for(model).execute(plan_of(THREE), PROBLEM, invoke=watcher)
    assert len(model.requests) == 4


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["parallel", "sequential"])
async def test_cancelling_a_rollout_leaves_no_task_running(mode: ExecutionMode) -> None:
    model = ScriptedModel(lambda request: Reply("late", seconds=60))
    before = asyncio.all_tasks()
    runner = RolloutRunner(executor_for(model), ToyBenchmark())
    task = asyncio.create_task(runner.run(plan_of(THREE, mode=mode), PROBLEM))
    await model.until_running(5 if mode == "parallel" else 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert model.running == 0
    assert asyncio.all_tasks() == before
