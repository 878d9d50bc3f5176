"""A second request for a slow call: whose answer counts, what both cost, what the caps allow."""

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response

from lamas.domain import ModelCall
from lamas.errors import CallCancelledError, ConfigurationError, ModelUnreachableError
from lamas.llm import (
    Budget,
    EndpointSettings,
    HedgePolicy,
    OpenAIChatModel,
    ResponseStore,
    RetryPolicy,
    attempts_of,
)
from lamas.llm.hedge import HedgeTimes
from tests.llm.asking import PRICE, QUICK, request
from tests.llm.scripted_endpoint import Answer, ScriptedEndpoint, fails, hangs, says
from tests.llm.test_turns import Turn
from tests.patience import patience

AT_ONCE = HedgePolicy(quantile=0.5, calls=1)
FIRST = says("first", usage=(10, 5))
COST = PRICE.cost_usd(10, 5)


def hedging(
    endpoint: ScriptedEndpoint,
    *,
    budget: Budget | None = None,
    store: ResponseStore | None = None,
    retry: RetryPolicy = QUICK,
    annotate: bool = False,
    concurrency: int = 8,
) -> OpenAIChatModel:
    settings = EndpointSettings(
        base_url=endpoint.base_url, model="tiny", annotate=annotate, concurrency=concurrency
    )
    return OpenAIChatModel(
        settings, price=PRICE, retry=retry, budget=budget, store=store, hedge=AT_ONCE
    )


async def asked_twice(model: OpenAIChatModel) -> tuple[ModelCall, ...]:
    """The attempts of a call after one that was answered at once."""
    await model.complete(request(0))
    result = await asyncio.wait_for(model.complete(request(1)), patience(60.0))
    return result.attempts


async def test_the_second_answers_for_a_first_that_hangs_and_one_call_is_recorded() -> None:
    with ScriptedEndpoint(FIRST, hangs(), says("second", usage=(10, 7))) as endpoint:
        async with hedging(endpoint, annotate=True) as llm:
            (call,) = await asked_twice(llm)
            assert llm.ledger.made_calls == 3
            assert llm.ledger.spent_usd == pytest.approx(COST + call.cost_usd)
        sent = endpoint.script.chats_seen
    assert (call.response_text, call.status, call.attempt) == ("second", "ok", 1)
    assert (call.hedge, call.usage_output_tokens) == ("second", 7)
    assert call.cost_usd == PRICE.cost_usd(10, 7) + call.hedge_cost_usd
    # The prompt of the one that was given up had been read, though it never said so.
    assert call.hedge_input_tokens > 0
    assert call.hedge_cost_usd == PRICE.cost_usd(call.hedge_input_tokens, 0)
    # Its label tells the two apart; what is asked is the same.
    assert [seen.headers["x-lamas-attempt"] for seen in sent] == ["1", "1", "1b"]
    assert sent[1].body == sent[2].body


async def test_a_first_that_answers_after_all_wins_and_the_other_is_paid() -> None:
    script = (FIRST, says("slow", after=0.4), says("late words", usage=(10, 9), pause=600.0))
    with ScriptedEndpoint(*script) as endpoint:
        async with hedging(endpoint) as llm:
            (call,) = await asked_twice(llm)
            spent = llm.ledger.spent_usd
    assert (call.response_text, call.hedge) == ("slow", "first")
    assert spent == COST + call.cost_usd
    assert call.cost_usd == COST + call.hedge_cost_usd


async def test_nothing_is_hedged_before_enough_answers_and_by_a_fast_answer() -> None:
    with ScriptedEndpoint(says("slow", after=0.3), says("fast")) as endpoint:
        async with hedging(endpoint) as llm:
            calls = [(await llm.complete(request(slot))).attempts[0] for slot in range(3)]
        assert len(endpoint.script.chats_seen) == 3
    assert [call.hedge for call in calls] == [None] * 3


@pytest.mark.parametrize("failing", [fails(500), fails(429)])
async def test_when_one_of_both_fails_the_other_is_waited_for(failing: Answer) -> None:
    script = (FIRST, says("slow", after=0.4), failing)
    with ScriptedEndpoint(*script) as endpoint:
        async with hedging(endpoint) as llm:
            (call,) = await asked_twice(llm)
    assert (call.response_text, call.hedge, call.status) == ("slow", "first", "ok")


async def test_when_both_fail_the_attempt_failed() -> None:
    async def slowly(body: dict[str, object]) -> Response:
        await asyncio.sleep(0.4)
        return await fails(500)(body)

    with ScriptedEndpoint(FIRST, slowly, fails(500)) as endpoint:
        async with hedging(endpoint, retry=replace(QUICK, attempts=1)) as llm:
            await llm.complete(request(0))
            with pytest.raises(ModelUnreachableError) as caught:
                await llm.complete(request(1))
        assert len(endpoint.script.chats_seen) == 3
    (call,) = attempts_of(caught.value)
    assert (call.status, call.hedge) == ("error", "first")


@pytest.mark.parametrize(
    "budget",
    [Budget(max_calls=2), Budget(max_usd=2.2 * PRICE.cost_usd(60, 5))],
    ids=["calls", "usd"],
)
async def test_a_second_that_the_caps_do_not_allow_is_not_sent(budget: Budget) -> None:
    with ScriptedEndpoint(FIRST, says("slow", after=0.3)) as endpoint:
        async with hedging(endpoint, budget=budget) as llm:
            (call,) = await asked_twice(llm)
            assert llm.ledger.made_calls == 2
        seen = len(endpoint.script.chats_seen)
    assert call.response_text == "slow"
    assert (seen, call.hedge) == (2, None)


async def test_a_second_waits_for_a_place_of_its_own() -> None:
    with ScriptedEndpoint(FIRST, says("slow", after=0.3)) as endpoint:
        async with hedging(endpoint, concurrency=1) as llm:
            (call,) = await asked_twice(llm)
            assert llm.ledger.made_calls == 2
        assert len(endpoint.script.chats_seen) == 2
    assert (call.response_text, call.hedge) == ("slow", None)


async def test_a_call_that_nobody_waits_for_leaves_both(tmp_path: Path) -> None:
    both_sent = threading.Event()

    async def never(body: dict[str, object]) -> Response:
        if len(endpoint.script.chats_seen) == 3:
            both_sent.set()
        return await hangs()(body)

    with ScriptedEndpoint(FIRST, never) as endpoint, ResponseStore(tmp_path / "store") as store:
        async with hedging(endpoint, store=store) as llm:
            await llm.complete(request(0))
            turn = Turn()
            asking = asyncio.create_task(llm.complete(replace(request(1), turn=turn)))
            await asyncio.to_thread(both_sent.wait, patience(60.0))
            turn.over = "two agreed"
            asking.cancel()
            with pytest.raises(CallCancelledError) as caught:
                await asking
    (call,) = attempts_of(caught.value)
    assert (call.status, call.error, call.hedge) == ("cancelled", "two agreed", "first")


async def test_what_happened_is_given_again_from_the_store(tmp_path: Path) -> None:
    with ScriptedEndpoint(FIRST, hangs(), says("second")) as endpoint:
        with ResponseStore(tmp_path / "store") as store:
            async with hedging(endpoint, store=store) as llm:
                (call,) = await asked_twice(llm)
            async with hedging(endpoint, store=store) as llm:
                (again,) = (await llm.complete(request(1))).attempts
        assert len(endpoint.script.chats_seen) == 3
    assert again == replace(call, replayed=True)


@given(st.lists(st.floats(0.001, 1000.0), min_size=1), st.floats(0.01, 0.99), st.integers(1, 30))
def test_a_call_is_slow_beyond_the_nearest_rank(
    seconds: list[float], quantile: float, calls: int
) -> None:
    times = HedgeTimes(HedgePolicy(quantile=quantile, calls=calls))
    for item in seconds:
        times.add("Generate", item)
    after = times.after("Generate")
    assert times.after("Test") is None
    if len(seconds) < calls:
        assert after is None
    else:
        assert after is not None
        assert sum(item <= after for item in seconds) >= quantile * len(seconds)
        assert sum(item < after for item in seconds) < quantile * len(seconds)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [({"quantile": 1.0}, r"in \(0, 1\)"), ({"calls": 0}, "calls=0 must be ≥ 1")],
)
def test_policies_out_of_range_are_refused(wrong: dict[str, float], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        HedgePolicy(quantile=wrong.get("quantile", 0.5), calls=int(wrong.get("calls", 1)))
