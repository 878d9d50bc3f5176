"""A finished rollout: its score, cost, critical path and times."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.benchmarks.benchmark import Score
from lamas.domain import ExecutionMode, Problem, Rollout
from lamas.errors import BudgetExceededError, SandboxError
from lamas.execution import RolloutRunner
from tests.execution.rollouts import (
    PROBLEM,
    ToyBenchmark,
    executor_for,
    graphs,
    model_in,
    plan_of,
)
from tests.scripted import Reply, ScriptedModel, tool_result
from tests.timing.agreement import check
from tests.virtual_time import VirtualClock, run_in_virtual_time


@pytest.mark.slow
@given(graphs(), st.sampled_from(["parallel", "sequential"]), st.integers(0, 1000))
def test_every_rollout_agrees_with_its_records(
    layers: tuple[tuple[str, ...], ...], mode: ExecutionMode, salt: int
) -> None:
    async def main() -> Rollout:
        clock = VirtualClock()
        executor = executor_for(model_in(salt, clock), clock=clock)
        return await RolloutRunner(executor, ToyBenchmark()).run(
            plan_of(layers, mode=mode), PROBLEM
        )

    rollout = run_in_virtual_time(main())
    check(rollout)
    assert rollout.status == "ok"
    assert rollout.ended_at - rollout.started_at == rollout.makespan_seconds


async def test_the_answer_is_scored_and_what_was_read_is_kept() -> None:
    for text, score in (("it is 42", 1.0), ("it is 41", 0.0), ("", 0.0)):
        executor = executor_for(ScriptedModel(lambda request, text=text: Reply(text)))
        rollout = await RolloutRunner(executor, ToyBenchmark()).run(
            plan_of([["Generate"]]), PROBLEM
        )
        assert (rollout.answer, rollout.score, rollout.status) == (text, score, "ok")
        assert rollout.extracted_answer == (text.split()[-1] if text else None)


async def test_the_runs_that_judged_the_answer_are_kept_apart_from_the_operators() -> None:
    runs = (tool_result("", seconds=0.25), tool_result("done", seconds=0.5))

    class JudgedByPrograms(ToyBenchmark):
        async def score(self, problem: Problem, answer: str) -> Score:
            return replace(await super().score(problem, answer), runs=runs)

    executor = executor_for(ScriptedModel(lambda request: Reply("42", tokens=7)))
    rollout = await RolloutRunner(executor, JudgedByPrograms()).run(
        plan_of([["Generate"]]), PROBLEM
    )
    assert rollout.judging == runs
    assert [item.tools for item in rollout.trace.invocations] == [()]
    assert rollout.cp_tokens == 7.0


async def test_an_answer_that_cannot_be_judged_fails_the_rollout() -> None:
    benchmark = ToyBenchmark(SandboxError("no sandbox here"))
    executor = executor_for(ScriptedModel(lambda request: Reply("42")))
    rollout = await RolloutRunner(executor, benchmark).run(plan_of([["Generate"]]), PROBLEM)
    assert (rollout.status, rollout.score, rollout.answer) == ("failed", None, "42")
    assert rollout.error == "scoring: SandboxError: no sandbox here"


async def test_a_budget_reached_while_scoring_ends_the_run() -> None:
    executor = executor_for(ScriptedModel(lambda request: Reply("42")))
    runner = RolloutRunner(executor, ToyBenchmark(BudgetExceededError("cap")))
    with pytest.raises(BudgetExceededError):
        await runner.run(plan_of([["Generate"]]), PROBLEM)


async def test_replayed_calls_are_counted() -> None:
    def script(request: object) -> Reply:
        return Reply("42", replayed=len(model.requests) > 1, cost_usd=0.25)

    model = ScriptedModel(script)
    executor = executor_for(model)
    rollout = await RolloutRunner(executor, ToyBenchmark()).run(
        plan_of([["MultiGenerateCoT"]]), PROBLEM
    )
    assert rollout.replayed_calls == 2
    assert rollout.cost_usd == 0.75


@pytest.mark.slow
async def test_cost_belongs_to_a_rollout_however_many_run_beside_it() -> None:
    plans = [
        plan_of([["Generate", "MultiGenerateCoT"], ["SelfRefine"]], rollout_id=f"r{number}")
        for number in range(20)
    ]

    async def run(number: int, runner: RolloutRunner) -> Rollout:
        return await runner.run(plans[number], PROBLEM)

    shared = RolloutRunner(executor_for(model_in(5)), ToyBenchmark())
    together = await asyncio.gather(*(run(number, shared) for number in range(20)))
    for number, rollout in enumerate(together):
        alone = await run(number, RolloutRunner(executor_for(model_in(5)), ToyBenchmark()))
        calls = [call for item in rollout.trace.invocations for call in item.calls]
        assert rollout.cost_usd == pytest.approx(sum(call.cost_usd for call in calls))
        assert rollout.cost_usd == alone.cost_usd
        assert rollout.cp_tokens == alone.cp_tokens
    assert len({rollout.cost_usd for rollout in together}) > 5
