"""How graphs run: together or in turn, what operators see, what is merged, what is recorded."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.domain import (
    ExecutionGraph,
    ExecutionMode,
    Layer,
    OperatorInvocation,
    PlannedRollout,
    Trace,
)
from lamas.domain.call_semantics import PlannedCall
from lamas.errors import ConfigurationError, DomainError, OperatorError
from lamas.execution import Execution, GraphExecutor, InvocationLabel
from lamas.execution.invocation import run_directly
from lamas.operators import OperatorSettings
from lamas.timing import makespan_seconds
from tests.execution.rollouts import (
    CATALOGUE,
    OPERATORS,
    PROBLEM,
    executor_for,
    graphs,
    model_in,
    plan_of,
    signed,
)
from tests.scripted import Reply, ScriptedModel, ScriptedSandbox, problem_of
from tests.virtual_time import VirtualClock, run_in_virtual_time

MODES = st.sampled_from(["parallel", "sequential"])
SALTS = st.integers(0, 1000)


def run_virtually(plan: PlannedRollout, salt: int) -> tuple[Execution, ScriptedModel]:
    async def main() -> tuple[Execution, ScriptedModel]:
        clock = VirtualClock()
        model = ScriptedModel(signed(salt), clock)
        return await executor_for(model, clock=clock).execute(plan, PROBLEM), model

    return run_in_virtual_time(main())


def longest_path_seconds(trace: Trace) -> float:
    """From the calls' own durations alone: stages add up, branches and siblings are a maximum."""

    def of_invocation(invocation: OperatorInvocation) -> float:
        stages = {call.stage for call in invocation.calls}
        branches = {(call.stage, call.branch) for call in invocation.calls}
        return sum(
            max(
                sum(
                    call.seconds
                    for call in invocation.calls
                    if (call.stage, call.branch) == (stage, branch)
                )
                for of_stage, branch in branches
                if of_stage == stage
            )
            for stage in stages
        )

    in_turn = trace.execution_mode == "sequential"
    combine = sum if in_turn else max
    return sum(combine([of_invocation(item) for item in layer]) for layer in trace.layers)


@pytest.mark.slow
@given(graphs(), MODES, SALTS)
def test_the_makespan_is_the_longest_path_of_the_measured_durations(
    layers: tuple[tuple[str, ...], ...], mode: ExecutionMode, salt: int
) -> None:
    execution, _ = run_virtually(plan_of(layers, mode=mode), salt)
    assert makespan_seconds(execution.trace) == longest_path_seconds(execution.trace)


@pytest.mark.slow
@given(graphs(), SALTS, SALTS)
def test_the_order_of_completion_changes_nothing_but_times(
    layers: tuple[tuple[str, ...], ...], one: int, other: int
) -> None:
    plan = plan_of(layers)
    (first, asked), (second, asked_again) = run_virtually(plan, one), run_virtually(plan, other)
    assert first.answer == second.answer
    assert [(item.operator, item.candidates) for item in first.trace.invocations] == [
        (item.operator, item.candidates) for item in second.trace.invocations
    ]
    assert {request.sample_key: request for request in asked.requests} == {
        request.sample_key: request for request in asked_again.requests
    }


@pytest.mark.slow
@given(graphs(), SALTS)
def test_a_parallel_operator_never_sees_a_siblings_output(
    layers: tuple[tuple[str, ...], ...], salt: int
) -> None:
    _, model = run_virtually(plan_of(layers), salt)
    for request in model.requests:
        text = "\n".join(message.content for message in request.messages)
        for layer, operator in re.findall(r"<r/(\d+)/(\w+)/", text):
            own = operator == request.labels["operator"]
            assert int(layer) < int(request.labels["layer"]) or own


@pytest.mark.slow
@given(graphs(), MODES, SALTS)
def test_every_candidate_and_invocation_is_where_the_plan_foretells(
    layers: tuple[tuple[str, ...], ...], mode: ExecutionMode, salt: int
) -> None:
    execution, _ = run_virtually(plan_of(layers, mode=mode), salt)
    candidates = 0
    for names in layers:
        candidates = OPERATORS.candidates_after(candidates, names)
    graph_names = [OPERATORS.in_order(names) for names in layers]
    post = [("ScEnsemble",)] if candidates > 1 else []
    ran = [tuple(item.operator for item in layer) for layer in execution.trace.layers]
    assert ran == graph_names + post
    kinds = {item.kind for item in execution.trace.layers[-1]}
    assert kinds == ({"post"} if post else {"graph"})
    assert [item.position for layer in execution.trace.layers for item in layer] == [
        position for names in ran for position in range(len(names))
    ]
    assert execution.error is None
    assert execution.answer is not None


async def test_in_turn_each_operator_sees_its_siblings_results() -> None:
    plan = plan_of([["GenerateCoT"], ["Generate", "SelfRefine"]], mode="sequential")
    model = model_in(0)
    await executor_for(model).execute(plan, PROBLEM)
    assert "<r/2/Generate/0.0>" in model.shown("SelfRefine")[0]
    together = model_in(0)
    await executor_for(together).execute(plan_of(plan.graph.names), PROBLEM)
    assert "<r/1/GenerateCoT/0.0>" in together.shown("SelfRefine")[0]


async def test_in_turn_the_ensemble_picks_among_siblings_too() -> None:
    layers = [["MultiGenerateCoT"], ["Generate", "ScEnsemble"]]
    model = model_in(0)
    settings = OperatorSettings(ensemble="model")
    executor = executor_for(model, settings=settings)
    await executor.execute(plan_of(layers, mode="sequential"), PROBLEM)
    assert "D: <r/2/Generate/0.0>" in model.shown("ScEnsemble")[0]


async def test_post_processing_is_a_layer_of_its_own_and_costs_like_one() -> None:
    model = ScriptedModel(lambda request: Reply(request.labels["operator"], tokens=30))
    execution = await executor_for(model).execute(plan_of([["Generate", "GenerateCoT"]]), PROBLEM)
    last = execution.trace.invocations[-1]
    assert (last.layer, last.kind, last.operator) == (2, "post", "ScEnsemble")
    assert (last.output_tokens, len(last.calls)) == (30, 1)
    assert last.started_at >= max(item.ended_at for item in execution.trace.invocations[:-1])


async def test_one_candidate_is_the_answer_without_post_processing() -> None:
    model = ScriptedModel(lambda request: Reply("42"))
    execution = await executor_for(model).execute(plan_of([["Generate"]]), PROBLEM)
    assert (execution.answer, len(execution.trace.invocations)) == ("42", 1)


async def test_three_parallel_chains_cost_the_longest() -> None:
    tokens = [40, 300, 80]
    model = ScriptedModel(
        lambda request: Reply("42", tokens=tokens[int(request.labels["branch"])], cost_usd=0.01)
    )
    execution = await executor_for(model).execute(plan_of([["MultiGenerateCoT"]]), PROBLEM)
    first = execution.trace.invocations[0]
    assert (first.output_tokens, first.cp_tokens) == (300, 300.0)
    assert first.total_output_tokens == 420
    assert first.total_input_tokens == 15
    assert first.cost_usd == 0.01 + 0.01 + 0.01


async def test_tool_time_is_on_the_critical_path() -> None:
    execution = await executor_for(model_in(3)).execute(plan_of([["Programmer"]]), PROBLEM)
    (programmer,) = execution.trace.invocations
    assert programmer.tool_seconds == 0.5
    assert programmer.cp_tokens == programmer.output_tokens + 50.0 * 0.5


async def test_early_stop_is_recorded_and_ends_the_graph() -> None:
    plan = plan_of([["Generate"], ["SelfRefine", "EarlyStop"]])
    execution = await executor_for(model_in(0)).execute(plan, PROBLEM)
    stop = execution.trace.invocations[2]
    assert (stop.operator, stop.cp_tokens, stop.status) == ("EarlyStop", 0.0, "ok")
    with pytest.raises(OperatorError, match="follows a layer that ends"):
        await executor_for(model_in(0)).execute(
            _with_graph(plan, (("Generate",), ("EarlyStop",), ("Generate",))), PROBLEM
        )


async def test_seeds_are_common_to_variants_and_keys_are_not() -> None:
    one, other = model_in(0), model_in(0)
    await executor_for(one).execute(plan_of([["Generate"]], rollout_id="a"), PROBLEM)
    await executor_for(other).execute(
        plan_of([["Generate", "GenerateCoT"]], rollout_id="b"), PROBLEM
    )
    assert one.requests[0].seed == other.requests[0].seed
    assert one.requests[0].sample_key != other.requests[0].sample_key
    again = model_in(0)
    await executor_for(again).execute(plan_of([["Generate"]], seed=2), PROBLEM)
    assert again.requests[0].seed != one.requests[0].seed


async def test_every_call_says_what_its_graph_still_owes() -> None:
    model = model_in(0)
    plan = plan_of([["Generate", "GenerateCoT"], ["SelfRefine"]], rollout_id="b")
    await executor_for(model).execute(plan, PROBLEM)
    places = [request.semantics for request in model.requests]
    generate, cot, refine = (
        next(place for place in places if place is not None and place.role == role)
        for role in ("Generate", "GenerateCoT", "SelfRefine")
    )
    assert {place.workflow for place in (generate, cot, refine)} == {"b"}
    assert generate.siblings == (PlannedCall(role="GenerateCoT"),)
    assert generate.rest == cot.rest == ((PlannedCall(role="SelfRefine"),),)
    assert (refine.layer, refine.rest, refine.remaining_steps) == (1, (), 1)


async def test_every_invocation_goes_through_the_runner_and_its_record_is_what_counts() -> None:
    plan = plan_of([["Generate", "GenerateCoT"], ["ScEnsemble"]])
    kept: dict[str, OperatorInvocation] = {}
    labels: list[InvocationLabel] = []

    async def keeping(
        label: InvocationLabel, start: Callable[[], Awaitable[OperatorInvocation]]
    ) -> OperatorInvocation:
        labels.append(label)
        if label.invocation_id not in kept:
            kept[label.invocation_id] = await start()
        return kept[label.invocation_id]

    first = await executor_for(model_in(0)).execute(plan, PROBLEM, invoke=keeping)
    silent = model_in(0)
    again = await executor_for(silent).execute(plan, PROBLEM, invoke=keeping)
    assert again == first
    assert silent.requests == []
    assert [label.invocation_id for label in labels[:3]] == [
        "r/1/Generate",
        "r/1/GenerateCoT",
        "r/2/ScEnsemble",
    ]
    assert {label.problem_id for label in labels} == {PROBLEM.problem_id}


async def test_what_cannot_run_is_refused_before_any_call() -> None:
    model = model_in(0)
    executor = executor_for(model)
    plan = plan_of([["Generate"]])
    with pytest.raises(OperatorError, match="ScEnsemble in layer 1 needs 2"):
        await executor.execute(_with_graph(plan, (("ScEnsemble",),)), PROBLEM)
    with pytest.raises(OperatorError, match="unknown operator 'Test'"):
        await executor.execute(_with_graph(plan, (("Generate", "Test"),)), PROBLEM)
    with pytest.raises(DomainError, match="is planned for problem toy/1/math, got toy/1/text"):
        await executor.execute(plan, problem_of("text"))
    with pytest.raises(ConfigurationError, match="γ must be > 0"):
        GraphExecutor(catalogue=CATALOGUE, model=model, sandbox=ScriptedSandbox(), gamma=0.0)
    assert model.requests == []


async def test_samples_can_be_set_for_a_topology() -> None:
    model = model_in(0)
    executor = executor_for(model)
    assert executor.with_samples(None) is executor
    assert executor.with_samples(3) is executor
    five = executor.with_samples(5)
    execution = await five.execute(plan_of([["MultiGenerateCoT"]]), PROBLEM)
    assert len(execution.trace.invocations[0].candidates) == 5


@pytest.mark.slow
async def test_the_default_runner_just_runs() -> None:
    execution = await executor_for(model_in(0)).execute(plan_of([["Generate"]]), PROBLEM)
    (record,) = execution.trace.invocations
    label = InvocationLabel(
        rollout_id="r", problem_id="p", layer=1, position=0, operator="Generate", kind="graph"
    )

    async def start() -> OperatorInvocation:
        return record

    assert await run_directly(label, start) is record


def _with_graph(plan: PlannedRollout, names: tuple[tuple[str, ...], ...]) -> PlannedRollout:
    return replace(plan, graph=ExecutionGraph(tuple(Layer(layer) for layer in names)))
