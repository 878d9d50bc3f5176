"""Rollouts whose layers ended at a quorum, and cascades, as they really come out of an executor."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from lamas.domain import ExecutionGraph, Layer, Rollout, derive_seed
from lamas.domain.latency import PredictedSeconds
from lamas.execution import (
    GraphExecutor,
    RolloutRunner,
    certain_decisions,
    fixed_plan,
    fixed_topology,
)
from lamas.llm import ChatRequest
from lamas.operators import Catalogue
from lamas.timing.latency_model import predicted_seconds
from tests.execution.rollouts import OPERATORS, ToyBenchmark
from tests.factories import make_problem, make_run
from tests.scripted import (
    Reply,
    ScriptedModel,
    ScriptedSandbox,
    last_number,
    problem_of,
    tool_result,
)
from tests.warehouse.latency import MODEL


def _script(request: ChatRequest) -> Reply:
    drawn = derive_seed(request.sample_key)
    if request.labels["operator"] == "Programmer" and request.labels["stage"] == "0":
        text = "```python\ndef solve():\n    return 42\n```"
    else:
        text = f"The answer is {drawn % 3}."
    return Reply(text, tokens=1 + drawn % 50, cost_usd=drawn % 7 / 1000)


def raced_rollouts(count: int) -> tuple[Rollout, ...]:
    """`count` finished rollouts of a layer with a quorum, and of a cascade in turn."""
    return asyncio.run(_raced(count))


async def _raced(count: int) -> tuple[Rollout, ...]:
    executor = GraphExecutor(
        catalogue=Catalogue(read_answer=last_number),
        model=ScriptedModel(_script),
        sandbox=ScriptedSandbox([tool_result("42", seconds=0.25)] * 1000),
    )
    runner = RolloutRunner(executor, ToyBenchmark())
    layers = Layer(("Generate", "GenerateCoT", "MultiGenerateCoT", "Programmer"), quorum=2)
    wide = ExecutionGraph.of([layers], OPERATORS)
    done: list[Rollout] = []
    for number in range(count):
        problem = replace(problem_of(), problem_id=make_problem().problem_id)
        name = ("race4_q2", "cascade", "wide")[number % 3]
        topology = fixed_topology("race" if name == "wide" else name)
        plan = fixed_plan(
            topology,
            problem,
            OPERATORS,
            run_id=make_run().run_id,
            seed=number,
            sample_index=100 + number,
        )
        if name == "wide":
            decisions = certain_decisions(wide, OPERATORS)
            plan = replace(plan, policy=name, graph=wide, decisions=decisions)
        done.append(await runner.run(plan, problem))
    return tuple(_asked(item) for item in done)


def _asked(rollout: Rollout) -> Rollout:
    """As if the model had been asked whose seconds `tests.warehouse.latency` predicts."""
    invocations = tuple(
        replace(
            item,
            calls=tuple(replace(call, request_model=MODEL.request_model) for call in item.calls),
        )
        for item in rollout.trace.invocations
    )
    return replace(rollout, trace=replace(rollout.trace, invocations=invocations))


def raced_predictions(rollouts: Sequence[Rollout]) -> list[PredictedSeconds]:
    """What that model says of them, cancelled chains included."""
    return [
        PredictedSeconds(
            invocation_id=name,
            latency_model_id=MODEL.latency_model_id,
            seconds=seconds,
            held_out=False,
        )
        for rollout in rollouts
        for name, seconds in predicted_seconds(MODEL, rollout.trace.invocations).items()
    ]
