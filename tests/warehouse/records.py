"""Learning records for tests, and strategies for rollouts with any text and any numbers."""

from dataclasses import replace

from hypothesis import strategies as st

from lamas.domain import (
    ChatMessage,
    EvaluationMetric,
    ExecutionGraph,
    ExecutionMode,
    Layer,
    ModelCall,
    OperatorInvocation,
    PlannedRollout,
    PolicyDecision,
    Rollout,
    ToolExecution,
    Trace,
    Update,
)
from tests.factories import OPERATORS, make_rollout, step
from tests.random_rollouts import random_rollouts
from warehouse import Warehouse

WIDE = make_rollout(
    [[step("Generate", 100, cost_usd=0.001), step("GenerateCoT", 300, cost_usd=0.002)]],
    post=[step("ScEnsemble", 50, cost_usd=0.004)],
    rollout_id="wide",
)
"""Two operators side by side and a post-processing layer."""


def rows(warehouse: Warehouse, sql: str) -> list[tuple[object, ...]]:
    return warehouse.query(sql).rows()


def make_update() -> Update:
    """Step 1, from `lamas-0` to `lamas-1`."""
    return Update(
        update_id="update-1",
        run_id="run-1",
        step=1,
        rollouts=2,
        failed_rollouts=0,
        decisions=2,
        loss=0.5,
        gradient_norm=1.0,
        entropy=1.5,
        baseline_mean=0.0,
        baseline_scale=1.0,
        learning_rate=0.01,
        checkpoint_before="lamas-0",
        checkpoint_after="lamas-1",
        seconds=0.1,
    )


def evaluation_rollouts(count: int) -> tuple[Rollout, ...]:
    """Random rollouts of `lamas-1` on test problems, some of them failed."""
    return tuple(
        replace(item, plan=replace(item.plan, purpose="evaluate", mode="decided"))
        for item in random_rollouts(
            count,
            seed=4,
            checkpoint_id="lamas-1",
            problem_ids=("sums/v1/5", "sums/v1/6", "sums/v1/7"),
            failed_share=0.2,
        )
    )


def make_metric(metric: str = "score", value: float = 0.75) -> EvaluationMetric:
    return EvaluationMetric(
        evaluation_id="evaluation-1",
        run_id="run-1",
        checkpoint_id="lamas-1",
        policy="lamas",
        split="test",
        metric=metric,
        value=value,
        low=value - 0.25,
        high=value + 0.25,
        n=12,
        failed=1,
        method="mean, bootstrap",
    )


EXECUTION_MODES: tuple[ExecutionMode, ...] = ("parallel", "sequential")
NUMBERS = st.floats(min_value=0.0, max_value=1e9)
COUNTS = st.integers(min_value=0, max_value=2**40)
TEXTS = st.text(max_size=20)
MAYBE = st.none() | TEXTS

CALLS = st.builds(
    ModelCall,
    call_id=TEXTS,
    attempt=st.integers(1, 5),
    stage=st.integers(0, 3),
    branch=st.integers(0, 3),
    request_model=TEXTS,
    request_temperature=NUMBERS,
    request_max_tokens=COUNTS,
    request_seed=st.integers(0, 2**31 - 1),
    request_messages=st.lists(
        st.builds(
            ChatMessage, role=st.sampled_from(["system", "user", "assistant"]), content=TEXTS
        ),
        max_size=2,
    ).map(tuple),
    response_id=MAYBE,
    response_model=MAYBE,
    response_text=MAYBE,
    response_finish_reasons=st.lists(TEXTS, max_size=2).map(tuple),
    usage_input_tokens=COUNTS,
    usage_output_tokens=COUNTS,
    usage_estimated=st.booleans(),
    started_at=NUMBERS,
    ended_at=NUMBERS,
    time_to_first_chunk_seconds=st.none() | NUMBERS,
    cost_usd=NUMBERS,
    status=st.sampled_from(["ok", "error"]),
    error=MAYBE,
    replayed=st.booleans(),
)

TOOLS = st.builds(
    ToolExecution,
    tool_execution_id=TEXTS,
    stage=st.integers(0, 3),
    branch=st.integers(0, 3),
    program=TEXTS,
    stdout=TEXTS,
    stderr=TEXTS,
    exit_code=st.none() | st.integers(-128, 255),
    status=st.sampled_from(["ok", "error", "limit"]),
    limits_hit=st.lists(TEXTS, max_size=2).map(tuple),
    started_at=NUMBERS,
    ended_at=NUMBERS,
    wall_seconds=NUMBERS,
    charged_seconds=NUMBERS,
)


def _judging(tool: ToolExecution) -> ToolExecution:
    return replace(tool, role="checker")


JUDGING = TOOLS.map(_judging)


@st.composite
def rollouts(draw: st.DrawFn, rollout_id: str) -> Rollout:
    """A rollout of problem `sums/v1/0` whose parts need not make sense together."""
    names = st.sets(st.sampled_from(OPERATORS.names), min_size=1, max_size=3)
    layers = tuple(OPERATORS.in_order(draw(names)) for _ in range(draw(st.integers(1, 3))))
    mode: ExecutionMode = draw(st.sampled_from(EXECUTION_MODES))
    failed = draw(st.booleans())
    number = draw(COUNTS)
    plan = PlannedRollout(
        rollout_id=rollout_id,
        run_id="run-1",
        problem_id="sums/v1/0",
        checkpoint_id=draw(st.sampled_from([None, "lamas-0", "lamas-1"])),
        policy=draw(TEXTS),
        purpose=draw(st.sampled_from(["train", "evaluate", "ask"])),
        mode=draw(st.sampled_from(["sampled", "decided", "fixed"])),
        execution_mode=mode,
        step=draw(COUNTS),
        sample_index=number,
        retry=draw(st.integers(0, 3)),
        seed=draw(st.integers(0, 2**31 - 1)),
        graph=ExecutionGraph(tuple(Layer(layer) for layer in layers)),
        decisions=tuple(
            PolicyDecision(
                layer=layer,
                draw_order=order,
                operator=operator,
                probability=draw(st.floats(0.0, 1.0)),
                log_probability=draw(st.floats(-100.0, 0.0)),
                legal=tuple(draw(st.lists(TEXTS, max_size=2))),
            )
            for layer, operators in enumerate(layers, start=1)
            for order, operator in enumerate(operators)
        ),
    )
    invocations = tuple(
        draw(invocation(rollout_id, layer, position, operator))
        for layer, operators in enumerate(layers, start=1)
        for position, operator in enumerate(operators)
    )
    return Rollout(
        plan=plan,
        trace=Trace(
            execution_mode=mode,
            gamma=draw(NUMBERS),
            invocations=invocations,
            started_at=draw(NUMBERS),
            ended_at=draw(NUMBERS),
        ),
        answer=draw(MAYBE),
        extracted_answer=draw(MAYBE),
        score=None if failed else draw(st.floats(0.0, 1.0)),
        cost_usd=draw(NUMBERS),
        cp_tokens=draw(NUMBERS),
        virtual_seconds=draw(NUMBERS),
        makespan_seconds=draw(NUMBERS),
        replayed_calls=draw(COUNTS),
        status="failed" if failed else "ok",
        error=draw(MAYBE),
        started_at=draw(NUMBERS),
        ended_at=draw(NUMBERS),
        judging=draw(st.lists(JUDGING, max_size=2).map(tuple)),
    )


def invocation(
    rollout_id: str, layer: int, position: int, operator: str
) -> st.SearchStrategy[OperatorInvocation]:
    return st.builds(
        OperatorInvocation,
        invocation_id=st.just(f"{rollout_id}/{layer}/{operator}"),
        layer=st.just(layer),
        position=st.just(position),
        operator=st.just(operator),
        kind=st.sampled_from(["graph", "post"]),
        started_at=NUMBERS,
        ended_at=NUMBERS,
        output_tokens=COUNTS,
        tool_seconds=NUMBERS,
        cp_tokens=NUMBERS,
        total_input_tokens=COUNTS,
        total_output_tokens=COUNTS,
        cost_usd=NUMBERS,
        status=st.sampled_from(["ok", "failed"]),
        error=MAYBE,
        candidates=st.lists(TEXTS, max_size=2).map(tuple),
        calls=st.lists(CALLS, max_size=2).map(tuple),
        tools=st.lists(TOOLS, max_size=1).map(tuple),
    )
