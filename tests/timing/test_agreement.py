"""The check that a rollout's figures follow from its records: it passes, and it can fail."""

from dataclasses import replace

import pytest
from hypothesis import given

from lamas.domain import (
    ExecutionGraph,
    Layer,
    OperatorInvocation,
    PlannedRollout,
    Rollout,
    Trace,
    ordered_sum,
)
from lamas.errors import DomainError
from lamas.timing import cp_tokens, makespan_seconds, virtual_seconds
from tests.timing.agreement import check
from tests.timing.traces import call, invocation, tool, traces


def rollout_of(trace: Trace) -> Rollout:
    plan = PlannedRollout(
        rollout_id="r",
        run_id="run",
        problem_id="p",
        checkpoint_id=None,
        policy="fixed",
        purpose="evaluate",
        mode="fixed",
        execution_mode=trace.execution_mode,
        step=0,
        sample_index=0,
        seed=1,
        graph=ExecutionGraph((Layer(("O0",)),)),
        decisions=(),
    )
    return Rollout(
        plan=plan,
        trace=trace,
        answer="42",
        extracted_answer="42",
        score=1.0,
        cost_usd=ordered_sum(item.cost_usd for item in trace.invocations),
        cp_tokens=cp_tokens(trace),
        virtual_seconds=virtual_seconds(trace),
        makespan_seconds=makespan_seconds(trace),
        replayed_calls=0,
        status="ok",
        started_at=trace.started_at,
        ended_at=trace.ended_at,
    )


def example() -> Rollout:
    calls = (call(40, cost=0.1), call(30, 1, cost=0.2))
    return rollout_of(
        Trace(
            execution_mode="parallel",
            gamma=50.0,
            invocations=(invocation(1, 0, calls, (tool(0.5, 2),)), invocation(2, 0, (call(5),))),
            started_at=0.0,
            ended_at=1.0,
        )
    )


def with_first(rollout: Rollout, changed: OperatorInvocation) -> Rollout:
    rest = rollout.trace.invocations[1:]
    return replace(rollout, trace=replace(rollout.trace, invocations=(changed, *rest)))


@pytest.mark.slow
@given(traces())
def test_a_rollout_assembled_from_its_trace_agrees(trace: Trace) -> None:
    check(rollout_of(trace))


@pytest.mark.slow
def test_each_figure_that_does_not_follow_is_named() -> None:
    good = example()
    first = good.trace.invocations[0]
    wrong = {
        "CP_len": replace(good, cp_tokens=good.cp_tokens + 1),
        "T is": replace(good, virtual_seconds=good.virtual_seconds * 2),
        "makespan": replace(good, makespan_seconds=0.5),
        "cost": replace(good, cost_usd=0.2),
        "N_out of O0 in layer 1": with_first(good, replace(first, output_tokens=40)),
        "t_tool of O0": with_first(good, replace(first, tool_seconds=0.0)),
        "CP tokens of O0": with_first(good, replace(first, cp_tokens=70.0)),
        "cost of O0": with_first(good, replace(first, cost_usd=0.1)),
        "before it starts": with_first(good, replace(first, ended_at=-1.0)),
        "exactly failed rollouts": replace(good, status="failed"),
    }
    check(good)
    for message, rollout in wrong.items():
        with pytest.raises(DomainError, match=message):
            check(rollout)
