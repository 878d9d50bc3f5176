"""Rollouts for measuring the warehouse: seven invocations, nine calls and a program each."""

import json
import random
from collections.abc import Iterator

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
    Problem,
    Rollout,
    Run,
    ToolExecution,
    Trace,
    ordered_sum,
)
from warehouse.writer import LabelledRollout, Writer

ROLLOUTS_IN_RUN = 5000
"""The first half of a run trains, the other evaluates."""
_ROLLOUTS_IN_STEP = 50
_PROBLEMS = 1000
_GAMMA = 50.0
_LAMBDA_C = 3.0
_LAYERS = (
    ("Generate", "GenerateCoT", "MultiGenerateCoT"),
    ("SelfRefine", "Programmer"),
    ("GenerateCoT", "SelfRefine"),
)
_LEGAL = ("Generate", "GenerateCoT", "MultiGenerateCoT", "SelfRefine", "Programmer", "ScEnsemble")
_WORDS = tuple(
    f"{first}{second}" for first in ("ap", "be", "co", "du", "ex", "fo") for second in
    ("ple", "tween", "unt", "ring", "act", "und", "er", "ing", "ses", "mal", "tion", "ly")
)  # fmt: skip


def prepare(writer: Writer, rollouts: int) -> None:
    """Store the runs and problems that `rollouts` rollouts refer to."""
    for number in range(-(-rollouts // ROLLOUTS_IN_RUN)):
        writer.add_run(
            Run(
                run_id=f"bench-{number}",
                kind="retrain",
                config_json=json.dumps({"training": {"lambda_c": _LAMBDA_C, "lambda_t": 0.005}}),
                config_digest="",
                prompts_digest="",
                code_version="",
                seed=0,
                simulated=True,
                status="running",
                started_at=0.0,
            )
        )
    problems = [
        Problem(
            problem_id=f"bench/v1/{index}",
            benchmark="bench",
            version="v1",
            family="math",
            index=index,
            split="train" if index % 2 else "test",
            question=_text(random.Random(index), 60),
            reference="2",
        )
        for index in range(_PROBLEMS)
    ]
    embeddings = np.random.default_rng(0).standard_normal((_PROBLEMS, 384)).astype(np.float32)
    writer.add_problems(problems, embeddings)


def batches(rollouts: int, size: int) -> Iterator[list[LabelledRollout]]:
    """All rollouts in order, `size` at a time; only one batch exists at once."""
    for first in range(0, rollouts, size):
        yield [_rollout(number) for number in range(first, min(first + size, rollouts))]


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
            cost_term=-(_LAMBDA_C * rollout.cost_usd),
            latency_term=0.0,
            reward=rollout.score - _LAMBDA_C * rollout.cost_usd,
            baseline=0.0,
            scale=1.0,
            advantage=rollout.score - _LAMBDA_C * rollout.cost_usd,
        )
        for rollout, _ in batch
        if rollout.plan.purpose == "train" and rollout.score is not None
        for decision in rollout.plan.decisions
    ]


def _rollout(number: int) -> LabelledRollout:
    source = random.Random(number)
    run, place = divmod(number, ROLLOUTS_IN_RUN)
    trains = place < ROLLOUTS_IN_RUN // 2
    name = f"bench-{run}/{place}"
    problem = 2 * source.randrange(_PROBLEMS // 2) + trains
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
        answer=_text(source, 30),
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
    return PlannedRollout(
        rollout_id=name,
        run_id=f"bench-{run}",
        problem_id=f"bench/v1/{problem}",
        checkpoint_id=None,
        policy="lamas",
        purpose="train" if trains else "evaluate",
        mode="sampled",
        execution_mode="parallel",
        step=place // _ROLLOUTS_IN_STEP if trains else ROLLOUTS_IN_RUN,
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
    prompt = f"{key.rsplit('/', 1)[1]}: {_text(random.Random(problem), 60)}"
    return ModelCall(
        call_id=f"{key}/{branch}",
        attempt=1,
        branch=branch,
        request_model="bench",
        request_temperature=1.0,
        request_max_tokens=1024,
        request_seed=source.randrange(2**31),
        request_messages=(ChatMessage(role="user", content=prompt),),
        response_text=_text(source, words),
        response_finish_reasons=("stop",),
        usage_input_tokens=150,
        usage_output_tokens=2 * words,
        started_at=started_at,
        ended_at=started_at + 0.02 * words,
        time_to_first_chunk_seconds=0.3,
        cost_usd=2e-6 * words,
        status="ok",
    )


def _tool(source: random.Random, key: str, started_at: float) -> ToolExecution:
    seconds = 0.01 + 0.1 * source.random()
    return ToolExecution(
        tool_execution_id=f"{key}/0",
        program=_text(source, 40),
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


def _text(source: random.Random, words: int) -> str:
    return " ".join(source.choices(_WORDS, k=words))
