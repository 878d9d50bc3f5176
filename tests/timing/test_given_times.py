"""Where steps stand on the timeline when answers were given without waiting."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.domain import ModelCall, OperatorInvocation, ToolExecution, Trace
from lamas.timing import makespan_seconds, with_given_times
from tests.timing.traces import call, invocation, tool, traces

NOW = 1_764_000_000.123456789


def _given(trace: Trace, seconds: list[float]) -> Trace:
    """The trace as it comes from an endpoint that never waits, call by call so many seconds."""
    taken = iter(seconds)

    def instant(item: ModelCall) -> ModelCall:
        return replace(
            item, started_at=NOW, ended_at=NOW + next(taken, 0.25), seconds_from="assumed"
        )

    moved = tuple(
        replace(
            item,
            started_at=NOW,
            ended_at=NOW,
            calls=tuple(map(instant, item.calls)),
            tools=tuple(replace(run, started_at=NOW, ended_at=NOW) for run in item.tools),
        )
        for item in trace.invocations
    )
    return replace(trace, invocations=moved, started_at=NOW, ended_at=NOW)


def _naive_seconds(item: OperatorInvocation) -> float:
    steps: list[ModelCall | ToolExecution] = [*item.calls, *item.tools]
    total = 0.0
    for stage in {step.stage for step in steps}:
        branches: dict[int, float] = {}
        for step in steps:
            if step.stage == stage:
                took = step.seconds if isinstance(step, ModelCall) else step.charged_seconds
                branches[step.branch] = branches.get(step.branch, 0.0) + took
        total += max(branches.values())
    return total


def _naive_makespan(trace: Trace) -> float:
    fold = sum if trace.execution_mode == "sequential" else max
    return sum(fold([_naive_seconds(item) for item in layer]) for layer in trace.layers)


@pytest.mark.slow
@given(traces(), st.lists(st.integers(0, 40).map(lambda count: count / 4), max_size=12))
def test_a_rollout_takes_its_longest_way(trace: Trace, seconds: list[float]) -> None:
    made = with_given_times(_given(trace, seconds))
    given_one = _given(trace, seconds)
    if not any(item.calls for item in trace.invocations):
        assert made == given_one
        return
    assert abs(makespan_seconds(made) - _naive_makespan(given_one)) < 1e-4
    assert made.ended_at - made.started_at == makespan_seconds(made)
    for item in made.invocations:
        for step in (*item.calls, *item.tools):
            assert item.started_at <= step.started_at <= step.ended_at <= item.ended_at
    assert [item.invocation_id for item in made.invocations] == [
        item.invocation_id for item in trace.invocations
    ]


def test_a_later_layer_starts_when_the_slowest_is_done() -> None:
    slow = invocation(1, 0, (call(10), call(5, stage=1)))
    fast = invocation(1, 1, (call(10),), (tool(0.5, stage=1),))
    last = invocation(2, 0, (call(1, branch=0), call(1, branch=1)))
    trace = Trace(
        execution_mode="parallel",
        gamma=50.0,
        invocations=(slow, fast, last),
        started_at=0.0,
        ended_at=0.0,
    )
    made = with_given_times(_given(trace, [2.0, 1.0, 0.5, 0.75, 1.5]))
    start = made.started_at
    assert [(item.started_at - start, item.ended_at - start) for item in made.invocations] == [
        (0.0, 3.0),
        (0.0, 1.0),
        (3.0, 4.5),
    ]


@pytest.mark.slow
def test_measured_times_stay() -> None:
    trace = Trace(
        execution_mode="parallel",
        gamma=50.0,
        invocations=(invocation(1, 0, (call(10),)),),
        started_at=0.0,
        ended_at=1.0,
    )
    assert with_given_times(trace) is trace
