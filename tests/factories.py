"""Realistic domain records for tests; `tests.random_rollouts` makes whole batches of them.

Every figure is derived from the calls by the plain definitions, so that what other parts compute
can be compared with it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lamas.domain import (
    ChatMessage,
    Checkpoint,
    CheckpointStatus,
    DecisionMode,
    ExecutionGraph,
    ExecutionMode,
    InvocationKind,
    Layer,
    ModelCall,
    OperatorInvocation,
    OperatorSet,
    OperatorSpec,
    PlannedRollout,
    PolicyDecision,
    Problem,
    Purpose,
    Rollout,
    Run,
    Split,
    ToolExecution,
    Trace,
)
from tests.naive import naive_chain, naive_labels, plain_sum

T0 = 1_800_000_000.0
"""When everything starts, seconds since the epoch."""

OPERATORS = OperatorSet(
    (
        OperatorSpec(name="Generate", description="One direct answer.", adds=1),
        OperatorSpec(name="GenerateCoT", description="One answer, step by step.", adds=1),
        OperatorSpec(name="MultiGenerateCoT", description="Three answers at once.", adds=3),
        OperatorSpec(name="ScEnsemble", description="Picks one.", needs=2, replaces=True),
        OperatorSpec(name="SelfRefine", description="Rewrites.", needs=1, adds=1),
        OperatorSpec(name="Programmer", description="Writes and runs a program.", adds=1),
        OperatorSpec(name="EarlyStop", description="Ends the graph.", needs=1, stops=True),
    )
)


def make_run(run_id: str = "run-1", *, lambda_c: float = 3.0, lambda_t: float = 0.005) -> Run:
    return Run(
        run_id=run_id,
        kind="retrain",
        config_json=f'{{"training": {{"lambda_c": {lambda_c!r}, "lambda_t": {lambda_t!r}}}}}',
        config_digest=f"digest of {run_id}",
        prompts_digest="digest of the prompts",
        code_version="0.1.0",
        seed=7,
        simulated=True,
        status="running",
        started_at=T0,
    )


def make_problem(index: int = 0, *, split: Split = "train", benchmark: str = "sums") -> Problem:
    return Problem(
        problem_id=f"{benchmark}/v1/{index}",
        benchmark=benchmark,
        version="v1",
        family="math",
        index=index,
        split=split,
        question=f"What is {index} + {index}?",
        reference=str(index + index),
        metadata={"level": "1"},
    )


def make_checkpoint(
    step: int = 0,
    *,
    run_id: str = "run-1",
    parent_id: str | None = None,
    status: CheckpointStatus = "candidate",
) -> Checkpoint:
    """Checkpoint `lamas-<step>`; its parent is the step before unless given."""
    if parent_id is None and step > 0:
        parent_id = f"lamas-{step - 1}"
    return Checkpoint(
        checkpoint_id=f"lamas-{step}",
        run_id=run_id,
        parent_id=parent_id,
        controller="lamas",
        step=step,
        digest=f"digest of lamas-{step}",
        path=f"checkpoints/lamas-{step}.pt",
        status=status,
        created_at=T0 + step,
    )


def make_call(
    tokens: int = 100,
    *,
    stage: int = 0,
    branch: int = 0,
    attempt: int = 1,
    seconds: float = 1.0,
    cost_usd: float = 0.001,
    error: str | None = None,
    replayed: bool = False,
    call_id: str | None = None,
) -> ModelCall:
    """One attempt that starts at 0; `make_rollout` moves it to its place in time."""
    return ModelCall(
        call_id=call_id or f"call-{stage}.{branch}",
        attempt=attempt,
        stage=stage,
        branch=branch,
        request_model="gpt-4o-mini",
        request_temperature=1.0,
        request_max_tokens=1024,
        request_seed=stage * 100 + branch,
        request_messages=(
            ChatMessage(role="system", content="Answer."),
            ChatMessage(role="user", content="What is 1 + 1?"),
        ),
        response_id=None if error else "chatcmpl-1",
        response_model=None if error else "gpt-4o-mini-2024-07-18",
        response_text=None if error else "It is 2.",
        response_finish_reasons=() if error else ("stop",),
        usage_input_tokens=0 if error else 50,
        usage_output_tokens=0 if error else tokens,
        started_at=0.0,
        ended_at=seconds,
        time_to_first_chunk_seconds=None if error else seconds / 2,
        cost_usd=0.0 if error else cost_usd,
        status="error" if error else "ok",
        error=error,
        replayed=replayed,
    )


def make_tool(seconds: float = 1.0, *, stage: int = 0, branch: int = 0) -> ToolExecution:
    return ToolExecution(
        tool_execution_id=f"tool-{stage}.{branch}",
        stage=stage,
        branch=branch,
        program="def solve():\n    return 2\n",
        stdout="2\n",
        stderr="",
        exit_code=0,
        status="ok",
        started_at=0.0,
        ended_at=seconds,
        wall_seconds=seconds,
        charged_seconds=seconds,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One operator of a layer with the calls and tool runs it is to have made."""

    operator: str
    calls: tuple[ModelCall, ...] = (make_call(),)
    tools: tuple[ToolExecution, ...] = ()
    error: str | None = None


def step(operator: str, *tokens: int, seconds: float = 1.0, cost_usd: float = 0.001) -> Step:
    """An operator whose calls follow each other, each of so many output tokens."""
    calls = tuple(
        make_call(count, stage=stage, seconds=seconds, cost_usd=cost_usd)
        for stage, count in enumerate(tokens)
    )
    return Step(operator=operator, calls=calls)


def make_rollout(
    layers: Sequence[Sequence[Step]] = ((Step(operator="Generate"),),),
    *,
    post: Sequence[Step] = (),
    rollout_id: str = "rollout-1",
    run_id: str = "run-1",
    problem_id: str = "sums/v1/0",
    checkpoint_id: str | None = "lamas-0",
    policy: str = "lamas",
    purpose: Purpose = "train",
    mode: DecisionMode = "sampled",
    execution_mode: ExecutionMode = "parallel",
    at_step: int = 1,
    sample_index: int = 0,
    retry: int = 0,
    gamma: float = 50.0,
    score: float = 1.0,
    started_at: float = T0,
) -> Rollout:
    """A finished rollout of the given graph; it failed if one of its steps has an error."""
    names = tuple(tuple(item.operator for item in layer) for layer in layers)
    invocations: list[OperatorInvocation] = []
    now = started_at
    for number, layer in enumerate((*layers, post) if post else layers, start=1):
        kind: InvocationKind = "post" if number > len(layers) else "graph"
        placed = [
            _invocation(item, rollout_id, number, position, kind, now, gamma)
            for position, item in enumerate(layer)
        ]
        invocations += placed
        now = max(item.ended_at for item in placed)
    trace = Trace(
        execution_mode=execution_mode,
        gamma=gamma,
        invocations=tuple(invocations),
        started_at=started_at,
        ended_at=now,
    )
    plan = PlannedRollout(
        rollout_id=rollout_id,
        run_id=run_id,
        problem_id=problem_id,
        checkpoint_id=checkpoint_id,
        policy=policy,
        purpose=purpose,
        mode=mode,
        execution_mode=execution_mode,
        step=at_step,
        sample_index=sample_index,
        retry=retry,
        seed=sample_index,
        graph=ExecutionGraph(tuple(Layer(layer) for layer in names)),
        decisions=_decisions(names) if mode != "fixed" else (),
    )
    return _rollout(plan, trace, score)


def _invocation(
    item: Step,
    rollout_id: str,
    layer: int,
    position: int,
    kind: InvocationKind,
    now: float,
    gamma: float,
) -> OperatorInvocation:
    tokens, tool_seconds = naive_chain(item.calls, item.tools, gamma)
    took = sum(call.seconds for call in item.calls) + sum(tool.wall_seconds for tool in item.tools)
    invocation_id = f"{rollout_id}/{layer}/{item.operator}"
    return OperatorInvocation(
        invocation_id=invocation_id,
        layer=layer,
        position=position,
        operator=item.operator,
        kind=kind,
        started_at=now,
        ended_at=now + took,
        output_tokens=tokens,
        tool_seconds=tool_seconds,
        cp_tokens=tokens + gamma * tool_seconds,
        total_input_tokens=sum(call.usage_input_tokens for call in item.calls),
        total_output_tokens=sum(call.usage_output_tokens for call in item.calls),
        cost_usd=plain_sum(call.cost_usd for call in item.calls),
        status="failed" if item.error else "ok",
        error=item.error,
        candidates=() if item.error else ("It is 2.",),
        calls=tuple(
            replace(
                call,
                call_id=f"{invocation_id}/{call.call_id}",
                started_at=now + call.started_at,
                ended_at=now + call.ended_at,
            )
            for call in item.calls
        ),
        tools=tuple(
            replace(tool, started_at=now + tool.started_at, ended_at=now + tool.ended_at)
            for tool in item.tools
        ),
    )


def _decisions(names: Sequence[Sequence[str]]) -> tuple[PolicyDecision, ...]:
    """Every legal operator equally likely, drawn in catalogue order."""
    decisions: list[PolicyDecision] = []
    candidates = 0
    for number, layer in enumerate(names, start=1):
        flags = OPERATORS.legal(candidates)
        legal = tuple(name for name, flag in zip(OPERATORS.names, flags, strict=True) if flag)
        share = 1.0 / len(legal)
        for order, operator in enumerate(layer):
            decisions.append(
                PolicyDecision(
                    layer=number,
                    draw_order=order,
                    operator=operator,
                    probability=share,
                    log_probability=math.log(share) - math.log(1.0 - share * order),
                    legal=legal,
                )
            )
        candidates = OPERATORS.candidates_after(candidates, layer)
    return tuple(decisions)


def _rollout(plan: PlannedRollout, trace: Trace, score: float) -> Rollout:
    maxima = {item.layer: item.layer_max_tokens for item in naive_labels(trace)}
    cp_tokens = plain_sum(maxima[layer] for layer in sorted(maxima))
    errors = [item.error for item in trace.invocations if item.error]
    calls = [call for item in trace.invocations for call in item.calls]
    return Rollout(
        plan=plan,
        trace=trace,
        answer=None if errors else "It is 2.",
        extracted_answer=None if errors else "2",
        score=None if errors else score,
        cost_usd=plain_sum(item.cost_usd for item in trace.invocations),
        cp_tokens=cp_tokens,
        virtual_seconds=cp_tokens / trace.gamma,
        makespan_seconds=max(item.ended_at for item in trace.invocations)
        - min(item.started_at for item in trace.invocations),
        replayed_calls=len({call.call_id for call in calls if call.replayed}),
        status="failed" if errors else "ok",
        error=errors[0] if errors else None,
        started_at=trace.started_at,
        ended_at=trace.ended_at,
    )
