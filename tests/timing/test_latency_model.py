"""Prediction: a longest path like CP_len, monotone in tokens; the model survives JSON."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.domain import ModelCall, ToolExecution, Trace
from lamas.domain.latency import LatencyModel
from lamas.errors import DomainError
from lamas.timing import label
from lamas.timing.latency_model import (
    in_seconds,
    invocation_seconds,
    predicted_makespan,
    predicted_seconds,
)
from tests.factories import Step, make_call, make_rollout, make_tool
from tests.timing.latencies import TRUTH, models, with_inputs
from tests.timing.traces import call, calls, tool, tools, traces

GPT = replace(TRUTH, request_model="gpt-4o-mini")


def naive_seconds(
    model: LatencyModel, calls: tuple[ModelCall, ...], tools: tuple[ToolExecution, ...]
) -> float:
    """Branch by branch, from the words of the definition."""
    total = 0.0
    for stage in sorted({item.stage for item in (*calls, *tools)}):
        slowest = 0.0
        for branch in {item.branch for item in (*calls, *tools) if item.stage == stage}:
            seconds = 0.0
            for item in calls:
                if (item.stage, item.branch) == (stage, branch) and item.status == "ok":
                    load = model.reference_load
                    seconds += model.first_token_seconds + model.first_token_seconds_per_load * load
                    seconds += model.first_token_seconds_per_input_token * item.usage_input_tokens
                    seconds += item.usage_output_tokens * (
                        model.seconds_per_output_token
                        + model.seconds_per_output_token_per_load * load
                    )
            for item in tools:
                if (item.stage, item.branch) == (stage, branch):
                    seconds += item.charged_seconds
            slowest = max(slowest, seconds)
        total += slowest
    return total


@pytest.mark.slow
@given(models, calls, tools, st.integers(0, 100))
def test_an_invocation_takes_its_slowest_branches(
    model: LatencyModel,
    drawn: tuple[ModelCall, ...],
    runs: tuple[ToolExecution, ...],
    inputs: int,
) -> None:
    given_inputs = with_inputs(drawn, inputs)
    seconds = invocation_seconds(model, given_inputs, runs)
    assert seconds == pytest.approx(naive_seconds(model, given_inputs, runs))


@given(models, calls, tools, st.data())
def test_more_tokens_never_take_less_time(
    model: LatencyModel,
    drawn: tuple[ModelCall, ...],
    runs: tuple[ToolExecution, ...],
    data: st.DataObject,
) -> None:
    longer = tuple(
        replace(
            item,
            usage_input_tokens=item.usage_input_tokens + data.draw(st.integers(0, 50)),
            usage_output_tokens=item.usage_output_tokens + data.draw(st.integers(0, 50)),
        )
        for item in drawn
    )
    assert invocation_seconds(model, longer, runs) >= invocation_seconds(model, drawn, runs)


@pytest.mark.slow
@given(models, traces())
def test_the_makespan_is_the_longest_path(model: LatencyModel, trace: Trace) -> None:
    seconds = predicted_seconds(model, trace.invocations)
    paths = 0.0
    for layer in trace.layers:
        of_layer = [seconds[item.invocation_id] for item in layer]
        paths += sum(of_layer) if trace.execution_mode == "sequential" else max(of_layer)
    assert predicted_makespan(trace, seconds) == pytest.approx(paths)


@pytest.mark.slow
@given(models, traces(modes=("parallel",)))
def test_critical_is_who_is_predicted_slowest(model: LatencyModel, trace: Trace) -> None:
    seconds = predicted_seconds(model, trace.invocations)
    rollout = replace(make_rollout(), trace=trace)
    timed = in_seconds(rollout, seconds)
    assert timed.virtual_seconds == timed.cp_tokens == predicted_makespan(trace, seconds)
    for item in label(timed.trace):
        layer = [
            seconds[other.invocation_id] for other in trace.invocations if other.layer == item.layer
        ]
        assert item.layer_max_tokens == max(layer)
        assert item.is_critical == (seconds[item.invocation_id] == max(layer))


def test_a_model_that_counts_only_tokens_is_the_proxy() -> None:
    plain = LatencyModel(
        request_model="gpt-4o-mini",
        first_token_seconds=0.0,
        first_token_seconds_per_input_token=0.0,
        first_token_seconds_per_load=0.0,
        seconds_per_output_token=1 / 64,
        seconds_per_output_token_per_load=0.0,
        reference_load=0.0,
    )
    branches = (make_call(100), make_call(40, branch=1), make_call(7, stage=1))
    layers = [
        [Step(operator="Generate"), Step(operator="Programmer", calls=branches)],
        [Step(operator="SelfRefine", tools=(make_tool(2.0, stage=1),))],
    ]
    rollout = make_rollout(layers, gamma=64.0)
    timed = in_seconds(rollout, predicted_seconds(plain, rollout.trace.invocations))
    assert timed.virtual_seconds == rollout.virtual_seconds


def test_known_seconds_with_a_failed_attempt_a_replay_and_a_tool() -> None:
    failed = make_call(50, error="ModelUnreachableError: 503")
    done = replace(make_call(50, attempt=2), replayed=True)
    expected = (0.3 + 0.02 * 6.0) + 0.0004 * 50 + (0.012 + 0.0008 * 6.0) * 50 + 2.0
    assert invocation_seconds(GPT, (failed, done), (make_tool(2.0),)) == expected
    assert invocation_seconds(GPT, (), ()) == 0.0


def test_parallel_branches_count_as_their_maximum_even_when_tools_decide() -> None:
    slow_tool = tool(100.0, 0, 1)
    both = (call(100, 0, 0), call(1, 0, 1))
    assert invocation_seconds(TRUTH, both, (slow_tool,)) == invocation_seconds(
        TRUTH, both[1:], (slow_tool,)
    )


def test_calls_to_another_model_and_missing_predictions_are_refused() -> None:
    with pytest.raises(DomainError, match=r"is of m, a call asked gpt-4o-mini: .*lamas latency"):
        invocation_seconds(TRUTH, (make_call(),), ())
    with pytest.raises(DomainError, match="no predicted seconds"):
        in_seconds(make_rollout(), {})


@pytest.mark.slow
@given(models)
def test_the_model_survives_json_and_keeps_its_id(model: LatencyModel) -> None:
    again = LatencyModel.from_json(model.to_json())
    assert again == model
    assert again.latency_model_id == model.latency_model_id
    other = replace(model, seconds_per_output_token=model.seconds_per_output_token + 1e-12)
    assert other.latency_model_id != model.latency_model_id


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nothing", "no JSON"),
        ("[]", "need a JSON object of first_token_seconds"),
        (TRUTH.to_json().replace("0.012", '"much"'), "seconds_per_output_token must be a number"),
        (TRUTH.to_json().replace("0.012", "-0.012"), "must be a number ≥ 0, got -0.012"),
        (TRUTH.to_json().replace("0.012", "NaN"), "must be a number ≥ 0, got nan"),
    ],
)
def test_what_is_no_latency_model_is_refused(text: str, reason: str) -> None:
    with pytest.raises(DomainError, match=reason):
        LatencyModel.from_json(text)
