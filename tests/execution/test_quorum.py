"""Layers that end at a quorum: by the seconds of records at any concurrency, and as they arrive."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamas.domain import (
    ExecutionGraph,
    Layer,
    OperatorInvocation,
    OperatorSet,
    Rollout,
    derive_seed,
)
from lamas.domain.operator_outcome import OperatorOutcome
from lamas.errors import OperatorError
from lamas.execution import (
    GraphExecutor,
    InvocationLabel,
    RolloutRunner,
)
from lamas.execution.graph_values import graph_values
from lamas.execution.invocation import run_directly
from lamas.execution.outcome_table import OutcomeTable
from lamas.execution.tabulating import judged_chains
from lamas.llm import ChatRequest, ChatResult
from lamas.operators import Catalogue, OperatorSettings
from lamas.timing import cp_tokens, label
from tests.execution.rollouts import (
    CATALOGUE,
    OPERATORS,
    PROBLEM,
    ToyBenchmark,
    executor_for,
    plan_of,
    signed,
)
from tests.scripted import (
    Reply,
    ScriptedModel,
    ScriptedSandbox,
    attempt_of,
    last_number,
    problem_of,
    tool_result,
)
from tests.virtual_time import run_in_virtual_time


class RecordedModel(ScriptedModel):
    """Answers at once, in an order that `shuffle` decides, with seconds on the record."""

    def __init__(self, salt: int, shuffle: int, *, carried: bool = True) -> None:
        super().__init__(signed(salt))
        self._signed = signed(salt)
        self._shuffle = shuffle
        self._carried = carried

    async def complete(self, request: ChatRequest) -> ChatResult:
        for _ in range(derive_seed(self._shuffle, request.sample_key) % 7):
            await asyncio.sleep(0)
        reply = self._signed(request)
        attempt = attempt_of(request, reply, 1000.0, 1000.0 + reply.seconds)
        if self._carried:
            attempt = replace(attempt, seconds_from="assumed")
        return ChatResult(text=reply.text, attempts=(attempt,))


def racing(layers: Sequence[Layer | Sequence[str]]) -> ExecutionGraph:
    return ExecutionGraph.of(layers, OPERATORS)


async def ran(
    graph: ExecutionGraph, model: ScriptedModel, *, rollout_id: str = "r", live: bool = False
) -> Rollout:
    executor = GraphExecutor(
        catalogue=Catalogue(
            read_answer=last_number, settings=OperatorSettings(ensemble="plurality")
        ),
        model=model,
        sandbox=ScriptedSandbox([tool_result("42")] * 1000),
        live=live,
    )
    plan = replace(plan_of([["Generate"]], rollout_id=rollout_id), graph=graph)
    return await RolloutRunner(executor, ToyBenchmark()).run(plan, PROBLEM)


def without_times(rollout: Rollout) -> object:
    """What may not depend on who answered first."""
    return [
        replace(
            item,
            started_at=0.0,
            ended_at=0.0,
            calls=tuple(
                replace(call, started_at=0.0, ended_at=call.seconds) for call in item.calls
            ),
            tools=(),
        )
        for item in rollout.trace.invocations
    ]


WIDE = racing([Layer(("Generate", "GenerateCoT", "MultiGenerateCoT", "Programmer"), quorum=2)])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 100), st.integers(0, 100), st.booleans())
def test_the_records_decide_whoever_answers_first(
    salt: int, one: int, other: int, carried: bool
) -> None:
    name = f"r{salt}"
    first = run_in_virtual_time(
        ran(WIDE, RecordedModel(salt, one, carried=carried), rollout_id=name)
    )
    second = run_in_virtual_time(
        ran(WIDE, RecordedModel(salt, other, carried=carried), rollout_id=name)
    )
    assert without_times(first) == without_times(second)
    assert first.answer == second.answer


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_what_was_cancelled_is_on_no_critical_path_and_costs_what_it_came_to(salt: int) -> None:
    name = f"r{salt}"
    waiting = run_in_virtual_time(
        ran(WIDE.with_quorum(None), RecordedModel(salt, 0), rollout_id=name)
    )
    quick = run_in_virtual_time(ran(WIDE, RecordedModel(salt, 0), rollout_id=name))
    assert quick.cost_usd <= waiting.cost_usd
    assert quick.cp_tokens <= waiting.cp_tokens or quick.answer != waiting.answer
    before = {item.operator: item for item in waiting.trace.invocations}
    critical = {item.invocation_id for item in label(quick.trace) if item.is_critical}
    for item in quick.trace.invocations:
        if item.kind == "post":
            continue
        assert [call.call_id for call in item.calls] == [
            call.call_id for call in before[item.operator].calls
        ][: len(item.calls)] or item.operator == "MultiGenerateCoT"
        if item.status == "cancelled":
            assert (item.candidates, item.cp_tokens, item.output_tokens) == ((), 0.0, 0)
            assert item.invocation_id not in critical
            assert item.error == "layer 1 ended: 2 chains agreed"
            assert item.calls[-1].status == "cancelled"
        else:
            assert item.candidates
        lost = sum(call.status == "cancelled" for call in item.calls)
        if item.operator == "MultiGenerateCoT":
            assert (len(item.calls), len(item.candidates) + lost) == (3, 3)
    assert quick.cp_tokens == cp_tokens(quick.trace)


TABULATED = ("Generate", "GenerateCoT", "MultiGenerateCoT")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 3, None]), st.sampled_from([2, 3]))
def test_a_table_says_beforehand_what_a_race_comes_to(
    salt: int, quorum: int | None, width: int
) -> None:
    name = f"r{salt}"
    outcomes: list[OperatorOutcome] = []
    for operator in TABULATED:
        alone = run_in_virtual_time(
            ran(racing([[operator]]), RecordedModel(salt, 0), rollout_id=name)
        )
        first = replace(alone.trace, invocations=alone.trace.invocations[:1])
        judged = run_in_virtual_time(judged_chains(first, PROBLEM, ToyBenchmark()))
        cost = first.invocations[0].cost_usd
        outcomes.append(
            OperatorOutcome(
                problem_id="p", operator=operator, sample=0, chains=judged.chains, cost_usd=cost
            )
        )
    graph = racing([Layer(TABULATED, quorum=quorum, width=width)])
    values = graph_values(
        OutcomeTable.of(outcomes, OperatorSet(tuple(OPERATORS.spec(item) for item in TABULATED))),
        [graph],
        OPERATORS,
    )
    rollout = run_in_virtual_time(ran(graph, RecordedModel(salt, 0), rollout_id=name))
    layer = [item for item in rollout.trace.invocations if item.kind == "graph"]
    begun = min(item.started_at for item in layer)
    assert values.seconds[0, 0] == max(item.ended_at for item in layer) - begun
    assert values.cp_tokens[0, 0] == max(item.cp_tokens for item in layer)
    assert values.score[0, 0] == rollout.score


def answering(texts: Sequence[tuple[str, float]]) -> ScriptedModel:
    """Branch i answers texts[i] after its seconds."""

    def script(request: ChatRequest) -> Reply:
        text, seconds = texts[int(request.labels["branch"])]
        return Reply(text, seconds=seconds, tokens=10)

    return ScriptedModel(script)


async def test_a_race_ends_when_two_agree_and_nothing_runs_on() -> None:
    model = answering([("1", 0.0), ("42", 0.01), ("7", 600.0), ("42", 0.02), ("9", 600.0)])
    graph = racing([Layer(("MultiGenerateCoT",), quorum=2, width=5)])
    rollout = await ran(graph, model, live=True)
    assert model.running == 0
    first = rollout.trace.invocations[0]
    assert first.candidates == ("1", "42", "42")
    assert rollout.answer == "42"


async def test_an_operator_whose_chain_came_too_late_is_cancelled() -> None:
    def script(request: ChatRequest) -> Reply:
        slow = request.labels["operator"] == "GenerateCoT"
        return Reply("42", seconds=600.0 if slow else 0.0)

    graph = racing([Layer(("Generate", "GenerateCoT", "MultiGenerateCoT"), quorum=3)])
    rollout = await ran(graph, ScriptedModel(script), live=True)
    statuses = {item.operator: item.status for item in rollout.trace.invocations}
    assert statuses["GenerateCoT"] == "cancelled"
    assert rollout.status == "ok"


async def test_cancelling_a_rollout_cancels_its_chains() -> None:
    model = answering([("1", 600.0)] * 3)
    running = asyncio.create_task(
        ran(racing([Layer(("MultiGenerateCoT",), quorum=2)]), model, live=True)
    )
    await model.until_running(3)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert model.running == 0


async def test_a_failed_chain_fails_the_rollout_and_nobody_waits_for_ever() -> None:
    def script(request: ChatRequest) -> Reply | Exception:
        if request.labels["operator"] == "Generate":
            return ValueError("broken")
        return Reply("42")

    graph = racing([Layer(("Generate", "GenerateCoT", "MultiGenerateCoT"), quorum=4)])
    for live in (False, True):
        rollout = await asyncio.wait_for(ran(graph, ScriptedModel(script), live=live), 30)
        assert rollout.status == "failed"
        assert {item.status for item in rollout.trace.invocations} == {"ok", "failed"}


async def test_a_program_that_passes_the_public_tests_ends_a_layer_of_programs() -> None:
    problem = problem_of("code", "Write answer().", public=("assert answer() == 42",))
    text = "```python\ndef answer():\n    return 42\n```"
    sandbox = ScriptedSandbox([tool_result(stderr="AssertionError"), tool_result()])
    model = ScriptedModel(lambda request: Reply(text))
    executor = GraphExecutor(catalogue=CATALOGUE, model=model, sandbox=sandbox, live=True)
    layer = Layer(("MultiGenerateCoT",), quorum=2, width=4)
    plan = plan_of([["Generate"]], problem=problem)
    plan = replace(plan, graph=ExecutionGraph.of([layer], CATALOGUE.for_family("code")))
    execution = await executor.execute(plan, problem)
    assert execution.error is None
    (first, *_) = execution.trace.invocations
    # One failed, one passed, and of the others none was waited for.
    assert len(first.candidates) == 2
    assert sorted(tool.status for tool in first.tools) == ["error", "ok"]
    assert len(sandbox.programs) == 2


async def test_a_quorum_needs_operators_that_run_side_by_side() -> None:
    executor = executor_for(answering([("42", 0.0)] * 3))
    graph = racing([Layer(("MultiGenerateCoT",), quorum=2)])
    plan = replace(plan_of([["Generate"]], mode="sequential"), graph=graph)
    with pytest.raises(OperatorError, match="set execution=parallel"):
        await executor.execute(plan, PROBLEM)


async def test_a_task_run_ends_when_it_is_known_whether_its_chain_was_in_time() -> None:
    seen: dict[str, str] = {}

    async def watched(
        label: InvocationLabel, start: Callable[[], Awaitable[OperatorInvocation]]
    ) -> OperatorInvocation:
        record = await run_directly(label, start)
        seen[label.operator] = record.status
        return record

    executor = executor_for(RecordedModel(3, 1))
    plan = replace(plan_of([["Generate"]]), graph=WIDE)
    execution = await executor.execute(plan, PROBLEM, invoke=watched)
    told = {item.operator: item.status for item in execution.trace.invocations}
    assert seen == told
