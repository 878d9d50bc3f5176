"""Realistic domain records for tests: small ones by hand, whole batches by seed.

Every figure is derived from the calls by the plain definitions, so that what other parts compute
can be compared with it.
"""

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from lamas.domain import (
    ChatMessage,
    Checkpoint,
    CheckpointStatus,
    Credit,
    CriticalPathLabel,
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


def naive_labels(trace: Trace) -> tuple[CriticalPathLabel, ...]:
    """Critical-path labels by the plain definitions."""
    labels: list[CriticalPathLabel] = []
    for layer in trace.layers:
        for item in layer:
            others = [other.cp_tokens for other in layer if other is not item]
            if trace.execution_mode == "sequential":
                largest = plain_sum(other.cp_tokens for other in layer)
                second, slack = plain_sum(others), 0.0
            else:
                largest = max([item.cp_tokens, *others])
                second, slack = max(others, default=0.0), largest - item.cp_tokens
            labels.append(
                CriticalPathLabel(
                    invocation_id=item.invocation_id,
                    layer=item.layer,
                    operator=item.operator,
                    is_critical=slack == 0.0,
                    slack_tokens=slack,
                    layer_max_tokens=largest,
                    layer_second_tokens=second,
                )
            )
    return tuple(labels)


def naive_credits(
    rollout: Rollout, rule: str, *, lambda_c: float = 3.0, lambda_t: float = 0.005
) -> tuple[Credit, ...]:
    """Credits of one rollout by the plain definitions, with baseline 0.25 and scale 0.5."""
    labels = {(item.layer, item.operator): item for item in naive_labels(rollout.trace)}
    post = [item for item in rollout.trace.invocations if item.kind == "post"]
    post_tokens = max((item.cp_tokens for item in post), default=0.0)
    if rollout.trace.execution_mode == "sequential":
        post_tokens = plain_sum(item.cp_tokens for item in post)
    credits: list[Credit] = []
    for decision in rollout.plan.decisions:
        own = next(
            item
            for item in rollout.trace.invocations
            if (item.layer, item.operator) == (decision.layer, decision.operator)
        )
        label = labels[decision.layer, decision.operator]
        paid, seconds = rollout.cost_usd, rollout.virtual_seconds
        if rule == "marginal":
            added = label.layer_max_tokens - label.layer_second_tokens if label.is_critical else 0.0
            paid = own.cost_usd + plain_sum(item.cost_usd for item in post)
            seconds = (added + post_tokens) / rollout.trace.gamma
        elif rule == "cost_only" or (rule == "critical_path" and not label.is_critical):
            seconds = 0.0
        assert rollout.score is not None
        cost, latency = 0.0 - lambda_c * paid, 0.0 - lambda_t * seconds
        reward = rollout.score + cost + latency
        credits.append(
            Credit(
                rollout_id=rollout.rollout_id,
                layer=decision.layer,
                operator=decision.operator,
                credit_rule=rule,
                score_term=rollout.score,
                cost_term=cost,
                latency_term=latency,
                reward=reward,
                baseline=0.25,
                scale=0.5,
                advantage=(reward - 0.25) / 0.5,
            )
        )
    return tuple(credits)


def random_rollouts(
    count: int,
    *,
    seed: int = 0,
    run_id: str = "run-1",
    problem_ids: Sequence[str] = ("sums/v1/0", "sums/v1/1"),
    checkpoint_id: str | None = "lamas-0",
    at_step: int = 1,
    failed_share: float = 0.05,
) -> tuple[Rollout, ...]:
    """Rollouts of random legal graphs with retries, parallel chains, tool runs and failures."""
    source = random.Random(seed)
    found: list[Rollout] = []
    for number in range(count):
        layers = _random_layers(source)
        if source.random() < failed_share:
            broken = replace(layers[-1][0], error="ModelUnreachableError: 503")
            layers[-1][0] = broken
        failed = layers[-1][0].error is not None
        left = OPERATORS.candidates_after(0, [])
        for layer in layers:
            left = OPERATORS.candidates_after(left, [item.operator for item in layer])
        post = [] if failed or left < 2 else [_random_step("ScEnsemble", source)]
        found.append(
            make_rollout(
                layers,
                post=post,
                rollout_id=f"{run_id}/{seed}/{number}",
                run_id=run_id,
                problem_id=problem_ids[number % len(problem_ids)],
                checkpoint_id=checkpoint_id,
                execution_mode="sequential" if source.random() < 0.2 else "parallel",
                at_step=at_step,
                sample_index=number,
                gamma=source.uniform(10.0, 90.0),
                score=float(source.random() < 0.6),
                started_at=T0 + source.uniform(0.0, 1000.0),
            )
        )
    return tuple(found)


def plain_sum(values: Iterable[float]) -> float:
    """Left to right from 0.0, without the compensation of newer `sum()`s."""
    total = 0.0
    for value in values:
        total += value
    return total


def _random_layers(source: random.Random) -> list[list[Step]]:
    layers: list[list[Step]] = []
    candidates = 0
    for _ in range(source.randint(1, 4)):
        flags = OPERATORS.legal(candidates)
        legal = [name for name, flag in zip(OPERATORS.names, flags, strict=True) if flag]
        chosen = OPERATORS.in_order(source.sample(legal, source.randint(1, min(3, len(legal)))))
        layers.append([_random_step(name, source) for name in chosen])
        candidates = OPERATORS.candidates_after(candidates, chosen)
        if OPERATORS.stops_after(chosen):
            break
    return layers


def _random_step(operator: str, source: random.Random) -> Step:
    if operator == "EarlyStop":
        return Step(operator=operator, calls=())
    calls: list[ModelCall] = []
    tools: list[ToolExecution] = []
    for stage in range(source.randint(1, 3)):
        for branch in range(3 if operator == "MultiGenerateCoT" else 1):
            calls += _random_attempts(source, stage, branch)
            if operator == "Programmer":
                tools += [
                    make_tool(source.uniform(0.01, 2.0), stage=stage, branch=branch)
                    for _ in range(source.randint(1, 2))
                ]
    return Step(operator=operator, calls=tuple(calls), tools=tuple(tools))


def _random_attempts(source: random.Random, stage: int, branch: int) -> list[ModelCall]:
    attempts = 2 if source.random() < 0.1 else 1
    return [
        make_call(
            source.randint(1, 900),
            stage=stage,
            branch=branch,
            attempt=attempt,
            seconds=source.uniform(0.1, 3.0),
            cost_usd=source.uniform(1e-6, 1e-3),
            error="RateLimitError: 429" if attempt < attempts else None,
        )
        for attempt in range(1, attempts + 1)
    ]


def _invocation(
    item: Step,
    rollout_id: str,
    layer: int,
    position: int,
    kind: InvocationKind,
    now: float,
    gamma: float,
) -> OperatorInvocation:
    tokens, tool_seconds = _longest_chain(item, gamma)
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


def _longest_chain(item: Step, gamma: float) -> tuple[int, float]:
    total_tokens, total_seconds = 0, 0.0
    parts = (*item.calls, *item.tools)
    for stage in sorted({part.stage for part in parts}):
        branches: list[tuple[float, int, int, float]] = []
        for branch in sorted({part.branch for part in parts if part.stage == stage}):
            here = (stage, branch)
            tokens = sum(
                call.usage_output_tokens for call in item.calls if (call.stage, call.branch) == here
            )
            seconds = plain_sum(
                tool.charged_seconds for tool in item.tools if (tool.stage, tool.branch) == here
            )
            branches.append((tokens + gamma * seconds, -branch, tokens, seconds))
        _, _, tokens, seconds = max(branches)
        total_tokens += tokens
        total_seconds += seconds
    return total_tokens, total_seconds


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
