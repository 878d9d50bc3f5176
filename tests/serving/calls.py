"""Calls and nodes for tests of single policies, every part with a default."""

from lamas.domain.call_semantics import CallSemantics, PlannedCall
from lamas.serving.call import Call, Forecast, Segment
from lamas.serving.node import Hosted, NodeState
from lamas.serving.policies.retention.lru import LeastRecentlyUsedPrefix
from lamas.serving.queue import Waiting
from tests.serving.world import NODE, SHAPES, SMALL


def make_forecast(
    *,
    output_tokens: float = 50.0,
    upper_tokens: int = 80,
    exceeding: float = 0.1,
    call_seconds: float = 1.0,
    remaining_seconds: float = 2.0,
    graph_seconds: float = 2.0,
    slack_seconds: float = 0.0,
    remaining_steps: float = 2.0,
) -> Forecast:
    return Forecast(
        output_tokens=output_tokens,
        upper_tokens=upper_tokens,
        exceeding=exceeding,
        call_seconds=call_seconds,
        machine_seconds=call_seconds / 2,
        remaining_seconds=remaining_seconds,
        graph_seconds=graph_seconds,
        slack_seconds=slack_seconds,
        remaining_steps=remaining_steps,
    )


def make_call(
    number: int = 0,
    *,
    model: str = SMALL,
    role: str = "Draft",
    workflow: str = "w",
    session: str = "",
    rest: tuple[tuple[PlannedCall, ...], ...] | None = None,
    deadline_seconds: float | None = None,
    prompt: tuple[Segment, ...] = (Segment(1, 20),),
    max_tokens: int = 100,
    ready_at: float = 0.0,
    workflow_arrived_at: float = 0.0,
    attained_seconds: float = 0.0,
    forecast: Forecast | None = None,
) -> Call:
    return Call(
        number=number,
        semantics=CallSemantics(
            workflow=workflow,
            session=session,
            role=role,
            rest=rest,
            deadline_seconds=deadline_seconds,
        ),
        model=model,
        input_tokens=sum(segment.tokens for segment in prompt),
        max_tokens=max_tokens,
        prompt=prompt,
        ready_at=ready_at,
        workflow_arrived_at=workflow_arrived_at,
        attained_seconds=attained_seconds,
        forecast=forecast or make_forecast(),
    )


def make_node(name: str = "n", *models: str) -> NodeState:
    made = NodeState(name, NODE, SHAPES, LeastRecentlyUsedPrefix())
    for model in models:
        made.hosted[model] = Hosted(model, 0.0, 0.0)
        made.weight_bytes += SHAPES[model].weight_bytes
    return made


def waits(at: NodeState, call: Call) -> None:
    at.queue.push(Waiting(call, 0.0))
    at.load_seconds += call.forecast.machine_seconds
    at.upper_bytes += at.upper_bytes_of(call)
    at.exceeding += call.forecast.exceeding
