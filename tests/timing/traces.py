"""Random traces whose tokens and seconds are multiples of 1/4, so that every sum is exact."""

from hypothesis import strategies as st

from lamas.domain import ExecutionMode, ModelCall, OperatorInvocation, ToolExecution, Trace
from lamas.timing import longest_chain

GAMMA = 50.0


def call(
    tokens: int, stage: int = 0, branch: int = 0, *, attempt: int = 1, cost: float = 0.0
) -> ModelCall:
    return ModelCall(
        call_id=f"{stage}.{branch}",
        attempt=attempt,
        stage=stage,
        branch=branch,
        request_model="m",
        request_temperature=1.0,
        request_max_tokens=100,
        request_seed=1,
        usage_output_tokens=tokens,
        cost_usd=cost,
        started_at=0.0,
        ended_at=1.0,
        status="ok",
    )


def tool(seconds: float, stage: int = 0, branch: int = 0) -> ToolExecution:
    return ToolExecution(
        tool_execution_id=f"{stage}.{branch}",
        stage=stage,
        branch=branch,
        program="",
        stdout="",
        stderr="",
        exit_code=0,
        status="ok",
        started_at=0.0,
        ended_at=seconds,
        wall_seconds=seconds,
        charged_seconds=seconds,
    )


def invocation(
    layer: int,
    position: int,
    calls: tuple[ModelCall, ...],
    tools: tuple[ToolExecution, ...] = (),
    *,
    times: tuple[float, float] = (0.0, 1.0),
) -> OperatorInvocation:
    chain = longest_chain(calls, tools, GAMMA)
    cost = 0.0
    for item in calls:
        cost += item.cost_usd
    return OperatorInvocation(
        invocation_id=f"r/{layer}/{position}",
        layer=layer,
        position=position,
        operator=f"O{position}",
        kind="graph",
        started_at=times[0],
        ended_at=times[1],
        output_tokens=chain.output_tokens,
        tool_seconds=chain.tool_seconds,
        cp_tokens=chain.cp_tokens(GAMMA),
        total_input_tokens=0,
        total_output_tokens=sum(item.usage_output_tokens for item in calls),
        cost_usd=cost,
        status="ok",
        calls=calls,
        tools=tools,
    )


_seconds = st.integers(0, 12).map(lambda quarters: quarters / 4)


@st.composite
def _calls(draw: st.DrawFn) -> tuple[ModelCall, ...]:
    slots = draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=6))
    return tuple(call(draw(st.integers(0, 40)), stage, branch) for stage, branch in slots)


@st.composite
def _tools(draw: st.DrawFn) -> tuple[ToolExecution, ...]:
    slots = draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=4))
    return tuple(tool(draw(_seconds), stage, branch) for stage, branch in slots)


calls = _calls()
tools = _tools()


@st.composite
def traces(draw: st.DrawFn, modes: tuple[ExecutionMode, ...] = ("parallel", "sequential")) -> Trace:
    invocations: list[OperatorInvocation] = []
    clock = 0.0
    weights = st.tuples(st.integers(0, 40), _seconds, st.floats(0, 0.01), _seconds)
    layers = draw(st.lists(st.lists(weights, min_size=1, max_size=4), min_size=1, max_size=4))
    for number, layer in enumerate(layers, start=1):
        for position, (tokens, tool_seconds, cost, seconds) in enumerate(layer):
            item = invocation(
                number,
                position,
                (call(tokens, cost=cost),),
                (tool(tool_seconds, 1),),
                times=(clock, clock + seconds),
            )
            invocations.append(item)
        clock += max(seconds for *_, seconds in layer)
    return Trace(
        execution_mode=draw(st.sampled_from(modes)),
        gamma=GAMMA,
        invocations=tuple(invocations),
        started_at=0.0,
        ended_at=clock,
    )
