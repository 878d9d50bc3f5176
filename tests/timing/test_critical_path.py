"""Labels, slack, CP_len and T against naive references."""

from dataclasses import replace

import pytest
from hypothesis import given

from lamas.domain import OperatorInvocation, Trace
from lamas.errors import DomainError
from lamas.timing import cp_tokens, label, makespan_seconds, virtual_seconds
from tests.timing.traces import call, invocation, traces


def cp_by_recursion(trace: Trace, layer: int = 1) -> float:
    here = [item.cp_tokens for item in trace.invocations if item.layer == layer]
    if not here:
        return 0.0
    waiting = sum(here) if trace.execution_mode == "sequential" else max(here)
    return waiting + cp_by_recursion(trace, layer + 1)


def with_cp(trace: Trace, changed: OperatorInvocation, cp: float) -> Trace:
    return replace(
        trace,
        invocations=tuple(
            replace(item, cp_tokens=cp) if item is changed else item for item in trace.invocations
        ),
    )


@given(traces())
def test_cp_len_equals_the_naive_recursion(trace: Trace) -> None:
    assert cp_tokens(trace) == cp_by_recursion(trace)
    assert virtual_seconds(trace) == cp_by_recursion(trace) / trace.gamma


@pytest.mark.slow
@given(traces())
def test_slack_is_zero_exactly_on_critical_operators(trace: Trace) -> None:
    for item in label(trace):
        assert (item.slack_tokens == 0.0) == item.is_critical
        assert item.slack_tokens >= 0.0


@given(traces())
def test_every_layer_has_a_critical_operator_and_the_maxima_sum_to_cp_len(trace: Trace) -> None:
    labels = label(trace)
    assert [item.invocation_id for item in labels] == [
        item.invocation_id for item in trace.invocations
    ]
    maxima = {item.layer: item.layer_max_tokens for item in labels}
    assert {item.layer for item in labels if item.is_critical} == set(maxima)
    assert sum(maxima.values()) == cp_tokens(trace)


@given(traces(modes=("parallel",)))
def test_growing_by_the_slack_changes_nothing_and_by_more_lengthens_the_path(trace: Trace) -> None:
    for item, mark in zip(trace.invocations, label(trace), strict=True):
        at_the_limit = with_cp(trace, item, item.cp_tokens + mark.slack_tokens)
        beyond = with_cp(trace, item, item.cp_tokens + mark.slack_tokens + 0.25)
        assert cp_tokens(at_the_limit) == cp_tokens(trace)
        assert cp_tokens(beyond) == cp_tokens(trace) + 0.25


@pytest.mark.slow
@given(traces())
def test_the_second_is_the_layer_without_the_operator(trace: Trace) -> None:
    for item, mark in zip(trace.invocations, label(trace), strict=True):
        others = [
            other.cp_tokens
            for other in trace.invocations
            if other.layer == item.layer and other is not item
        ]
        summed = trace.execution_mode == "sequential"
        without = sum(others) if summed else max(others, default=0.0)
        assert mark.layer_second_tokens == without


def test_at_a_tie_both_are_critical_and_neither_alone_holds_the_layer_up() -> None:
    first, second = (invocation(1, position, (call(40),)) for position in (0, 1))
    trace = Trace(
        execution_mode="parallel",
        gamma=50.0,
        invocations=(first, second, invocation(1, 2, (call(10),))),
        started_at=0.0,
        ended_at=1.0,
    )
    marks = label(trace)
    assert [mark.is_critical for mark in marks] == [True, True, False]
    assert [mark.slack_tokens for mark in marks] == [0.0, 0.0, 30.0]
    assert [mark.layer_second_tokens for mark in marks] == [40.0, 40.0, 40.0]


@pytest.mark.slow
@given(traces())
def test_makespan_is_the_distance_from_the_first_start_to_the_last_end(trace: Trace) -> None:
    assert makespan_seconds(trace) == trace.ended_at - trace.started_at


def test_a_trace_without_invocations_takes_no_time() -> None:
    trace = Trace(
        execution_mode="parallel", gamma=50.0, invocations=(), started_at=5.0, ended_at=5.0
    )
    assert (cp_tokens(trace), makespan_seconds(trace), label(trace)) == (0.0, 0.0, ())


@pytest.mark.slow
def test_seconds_need_a_positive_gamma() -> None:
    trace = Trace(
        execution_mode="parallel", gamma=0.0, invocations=(), started_at=0.0, ended_at=0.0
    )
    with pytest.raises(DomainError, match="γ must be > 0"):
        virtual_seconds(trace)
