"""Rollouts for measuring the warehouse: seven invocations, nine calls and a program each."""

import random
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lamas.domain import (
    ChatMessage,
    Credit,
    CriticalPathLabel,
    ExecutionGraph,
    Layer,
    ModelCall,
    OperatorInvocation,
    PlannedRollout,
    PolicyDecision,
    Rollout,
    ToolExecution,
    Trace,
    ordered_sum,
)
from tests.measure.warehouse.runs import (
    LAMBDA_C,
    MODEL,
    PROBLEMS,
    ROLLOUTS_IN_RUN,
    ROLLOUTS_IN_STEP,
    STEPS,
    bench_text,
    checkpoint_id,
    latency_model_id,
    problem_id,
    run_id,
)
from warehouse.writer import LabelledRollout

_FAILING_SHARE = 0.02
"""Of invocations, whose first call is answered at its second attempt."""
_GAMMA = 50.0
_LAYERS = (
    ("Generate", "GenerateCoT", "MultiGenerateCoT"),
    ("SelfRefine", "Programmer"),
    ("GenerateCoT", "SelfRefine"),
)
_LEGAL = ("Generate", "GenerateCoT", "MultiGenerateCoT", "SelfRefine", "Programmer", "ScEnsemble")


def batches(rollouts: int, size: int) -> Iterator[list[LabelledRollout]]:
    """All rollouts in order, `size` at a time; only one batch exists at once."""
    for first in range(0, rollouts, size):
        yield [labelled_rollout(number) for number in range(first, min(first + size, rollouts))]


def row_count(batch: list[LabelledRollout]) -> int:
    """Rows that storing the batch makes, without its credits."""
    return sum(
        1
        + len(rollout.plan.decisions)
        + len(labels)
        + sum(1 + len(item.calls) + len(item.tools) for item in rollout.trace.invocations)
        for rollout, labels in batch
    )


def credits(batch: list[LabelledRollout]) -> list[Credit]:
    """Credits under `cost_only` of the training rollouts of a batch."""
    return [
        Credit(
            rollout_id=rollout.rollout_id,
            layer=decision.layer,
            operator=decision.operator,
            credit_rule="cost_only",
            score_term=rollout.score,
            cost_term=-(LAMBDA_C * rollout.cost_usd),
            latency_term=0.0,
            reward=rollout.score - LAMBDA_C * rollout.cost_usd,
            baseline=0.0,
            scale=1.0,
            advantage=rollout.score - LAMBDA_C * rollout.cost_usd,
            latency_model_id=latency_model_id(rollout.plan),
        )
        for rollout, _ in batch
        if rollout.plan.purpose == "train" and rollout.score is not None
        for decision in rollout.plan.decisions
    ]


def labelled_rollout(number: int) -> LabelledRollout:
    """A function of the number."""
    source = random.Random(number)
    run, place = divmod(number, ROLLOUTS_IN_RUN)
    trains = place % 2 == 0
    name = f"{run_id(run)}/{place}"
    problem = 2 * source.randrange(PROBLEMS // 2) + trains
    clock = 1.7e9 + number
    start = clock
    invocations: list[OperatorInvocation] = []
    for layer, operators in enumerate(_LAYERS, start=1):
        made = [
            _invocation(source, name, problem, (layer, position, operator), clock)
            for position, operator in enumerate(operators)
        ]
        invocations += made
        clock = max(item.ended_at for item in made)
    tokens = ordered_sum(_layer_max(invocations, layer) for layer in range(1, len(_LAYERS) + 1))
    rollout = Rollout(
        plan=_plan(name, run, place, problem, trains=trains),
        trace=Trace(
            execution_mode="parallel",
            gamma=_GAMMA,
            invocations=tuple(invocations),
            started_at=start,
            ended_at=clock,
        ),
        answer=bench_text(source, 30),
        extracted_answer="2",
        score=float(source.random() < 0.6),
        cost_usd=ordered_sum(item.cost_usd for item in invocations),
        cp_tokens=tokens,
        virtual_seconds=tokens / _GAMMA,
        makespan_seconds=clock - start,
        replayed_calls=0,
        status="ok",
        started_at=start,
        ended_at=clock,
    )
    return rollout, _labels(invocations)


def _plan(name: str, run: int, place: int, problem: int, *, trains: bool) -> PlannedRollout:
    step = place // (2 * ROLLOUTS_IN_STEP) if trains else STEPS
    return PlannedRollout(
        rollout_id=name,
        run_id=run_id(run),
        problem_id=problem_id(problem),
        checkpoint_id=checkpoint_id(run, step),
        policy="lamas",
        purpose="train" if trains else "evaluate",
        mode="sampled",
        execution_mode="parallel",
        step=step,
        sample_index=place,
        seed=place,
        graph=ExecutionGraph(tuple(Layer(operators) for operators in _LAYERS)),
        decisions=tuple(
            PolicyDecision(
                layer=layer,
                draw_order=order,
                operator=operator,
                probability=0.2,
                log_probability=float(np.log(0.2) - np.log(1 - 0.2 * order)),
                legal=_LEGAL,
            )
            for layer, operators in enumerate(_LAYERS, start=1)
            for order, operator in enumerate(operators)
        ),
    )


def _invocation(
    source: random.Random, name: str, problem: int, place: tuple[int, int, str], started_at: float
) -> OperatorInvocation:
    layer, position, operator = place
    branches = 3 if operator == "MultiGenerateCoT" else 1
    key = f"{name}/{layer}/{operator}"
    calls = tuple(_call(source, key, branch, problem, started_at) for branch in range(branches))
    if source.random() < _FAILING_SHARE:
        calls = (_failed(calls[0]), replace(calls[0], attempt=2), *calls[1:])
    answered_at = max(call.ended_at for call in calls)
    tools = (_tool(source, key, answered_at),) if operator == "Programmer" else ()
    tokens = max(call.usage_output_tokens for call in calls)
    tool_seconds = ordered_sum(tool.charged_seconds for tool in tools)
    return OperatorInvocation(
        invocation_id=key,
        layer=layer,
        position=position,
        operator=operator,
        kind="graph",
        started_at=started_at,
        ended_at=max((tool.ended_at for tool in tools), default=answered_at),
        output_tokens=tokens,
        tool_seconds=tool_seconds,
        cp_tokens=tokens + _GAMMA * tool_seconds,
        total_input_tokens=sum(call.usage_input_tokens for call in calls),
        total_output_tokens=sum(call.usage_output_tokens for call in calls),
        cost_usd=ordered_sum(call.cost_usd for call in calls),
        status="ok",
        candidates=("2",) * branches,
        calls=calls,
        tools=tools,
    )


def _call(
    source: random.Random, key: str, branch: int, problem: int, started_at: float
) -> ModelCall:
    words = source.randrange(30, 150)
    prompt = f"{key.rsplit('/', 1)[1]}: {bench_text(random.Random(problem), 60)}"
    return ModelCall(
        call_id=f"{key}/{branch}",
        attempt=1,
        branch=branch,
        request_model=MODEL,
        request_temperature=1.0,
        request_max_tokens=1024,
        request_seed=source.randrange(2**31),
        request_messages=(ChatMessage(role="user", content=prompt),),
        response_text=bench_text(source, words),
        response_finish_reasons=("stop",),
        usage_input_tokens=150,
        usage_output_tokens=2 * words,
        started_at=started_at,
        ended_at=started_at + 0.02 * words,
        time_to_first_chunk_seconds=0.3,
        cost_usd=2e-6 * words,
        status="ok",
        remarks=("usage_incomplete",) if words % 8 == 0 else (),
    )


def _failed(call: ModelCall) -> ModelCall:
    """An attempt at the call that brought nothing."""
    return replace(
        call,
        response_text=None,
        response_finish_reasons=(),
        usage_input_tokens=0,
        usage_output_tokens=0,
        time_to_first_chunk_seconds=None,
        cost_usd=0.0,
        status="error",
        error="RateLimitError: 429",
    )


def _tool(source: random.Random, key: str, started_at: float) -> ToolExecution:
    seconds = 0.01 + 0.1 * source.random()
    return ToolExecution(
        tool_execution_id=f"{key}/0",
        program=bench_text(source, 40),
        stdout="2",
        stderr="",
        exit_code=0,
        status="ok",
        started_at=started_at,
        ended_at=started_at + seconds,
        wall_seconds=seconds,
        charged_seconds=seconds,
    )


def _layer_max(invocations: list[OperatorInvocation], layer: int) -> float:
    return max(item.cp_tokens for item in invocations if item.layer == layer)


def _labels(invocations: list[OperatorInvocation]) -> tuple[CriticalPathLabel, ...]:
    found: list[CriticalPathLabel] = []
    for item in invocations:
        layer = [other for other in invocations if other.layer == item.layer]
        longest = max(other.cp_tokens for other in layer)
        found.append(
            CriticalPathLabel(
                invocation_id=item.invocation_id,
                layer=item.layer,
                operator=item.operator,
                is_critical=item.cp_tokens == longest,
                slack_tokens=longest - item.cp_tokens,
                layer_max_tokens=longest,
                layer_second_tokens=max(other.cp_tokens for other in layer if other is not item),
            )
        )
    return tuple(found)
