"""The order of arrival and what the others had come to, against the words said naively."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.domain import ModelCall, ToolExecution
from lamas.timing.longest_chain import longest_chain
from lamas.timing.quorum import Arrival, Finish, cancelled, cut, finish, in_turn, spans
from tests.scripted import tool_result

arrivals = st.lists(
    st.builds(Arrival, at=st.integers(0, 4).map(float), key=st.sampled_from([None, "a", "b"])),
    max_size=7,
)


def naively(given: list[Arrival], quorum: int) -> Finish:
    """Watch the clock: at each instant whoever ends then comes in, in catalogue order."""
    there: list[int] = []
    for instant in sorted({item.at for item in given}):
        for place, item in enumerate(given):
            if item.at != instant:
                continue
            there.append(place)
            same = [other for other in there if given[other].key == item.key]
            if item.key is not None and len(same) == quorum:
                return Finish(places=tuple(there), moment=instant, reached=True)
    last = max((item.at for item in given), default=0.0)
    return Finish(places=tuple(there), moment=last, reached=False)


@given(arrivals, st.integers(1, 4))
def test_a_layer_ends_with_the_chain_that_makes_the_quorum(
    given: list[Arrival], quorum: int
) -> None:
    assert finish(given, quorum) == naively(given, quorum)


@given(arrivals, st.integers(1, 3))
def test_a_larger_quorum_never_ends_sooner(given: list[Arrival], quorum: int) -> None:
    small, large = finish(given, quorum), finish(given, quorum + 1)
    assert small.moment <= large.moment
    assert large.places[: len(small.places)] == small.places


def call(stage: int, tokens: int, seconds: float) -> ModelCall:
    return ModelCall(
        call_id=f"c{stage}",
        attempt=1,
        stage=stage,
        request_model="m",
        request_temperature=1.0,
        request_max_tokens=100,
        request_seed=1,
        response_text="x" * (3 * tokens),
        response_finish_reasons=("stop",),
        usage_input_tokens=7,
        usage_output_tokens=tokens,
        started_at=100.0,
        ended_at=100.0 + seconds,
        seconds_from="recorded",
        cost_usd=tokens / 1000,
        status="ok",
    )


@st.composite
def chains(draw: st.DrawFn) -> list[ModelCall | ToolExecution]:
    """Calls, each perhaps followed by a program."""
    steps: list[ModelCall | ToolExecution] = []
    for _ in range(draw(st.integers(1, 3))):
        seconds = draw(st.integers(0, 8)) / 4
        steps.append(call(len(steps), draw(st.integers(0, 40)), seconds))
        if draw(st.booleans()):
            program = tool_result("1", seconds=draw(st.integers(0, 4)) / 4)
            steps.append(replace(program, stage=len(steps), started_at=200.0))
    return steps


@given(chains(), st.integers(-2, 24).map(lambda quarters: quarters / 4))
def test_what_was_cut_is_what_had_happened(
    steps: list[ModelCall | ToolExecution], moment: float
) -> None:
    timed = spans(steps, None)
    calls, tools = cut(timed, moment, "two agreed")
    whole = [step for step in in_turn(steps) if isinstance(step, ModelCall)]
    assert calls
    assert [item.status for item in calls] == ["ok"] * (len(calls) - 1) + ["cancelled"]
    assert calls[-1].error == "two agreed"
    taken = sum(item.seconds for item in calls) + sum(item.charged_seconds for item in tools)
    assert taken <= max(moment, 0.0) or len(calls) == 1
    for kept, before in zip(calls, whole, strict=False):
        assert kept.usage_input_tokens == before.usage_input_tokens
        assert 0 <= kept.usage_output_tokens <= before.usage_output_tokens
        assert 0.0 <= kept.cost_usd <= before.cost_usd
        assert (before.response_text or "").startswith(kept.response_text or "")
    assert list(calls[:-1]) == whole[: len(calls) - 1]
    # A later moment leaves no less.
    later, _ = cut(timed, moment + 0.25, "two agreed")
    assert sum(item.usage_output_tokens for item in later) >= sum(
        item.usage_output_tokens for item in calls
    )


def test_half_way_a_call_has_half_of_its_tokens_and_its_prompt_in_full() -> None:
    (kept,), _ = cut(spans([call(0, 40, 2.0)], None), 1.0, "two agreed")
    assert (kept.usage_input_tokens, kept.usage_output_tokens) == (7, 20)
    assert kept.cost_usd == pytest.approx(0.02)
    assert kept.seconds == 1.0
    assert kept.response_text == "x" * 60


def test_without_seconds_on_record_tokens_are_the_clock() -> None:
    (kept,), _ = cut(spans([call(0, 40, 99.0)], 10.0), 1.0, "two agreed")
    assert kept.usage_output_tokens == 10


@pytest.mark.slow
def test_nobody_waits_for_a_cancelled_branch() -> None:
    first, second = call(0, 10, 1.0), replace(call(0, 90, 1.0), branch=1)
    (cut_short,) = cancelled([second], "two agreed")
    assert longest_chain([first, second], [], 50.0).output_tokens == 90
    assert longest_chain([first, cut_short], [], 50.0).output_tokens == 10
