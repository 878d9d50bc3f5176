"""Caps that hold however many calls are in flight."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamas.errors import BudgetExceededError
from lamas.llm import Budget, ChatResult, EndpointSettings, Ledger, OpenAIChatModel, attempts_of
from lamas.llm.tokens import most_input_tokens
from tests.llm.asking import PRICE, QUICK, model, request
from tests.llm.scripted_endpoint import ScriptedEndpoint, chunk, fails, says, streams

WORST = PRICE.cost_usd(most_input_tokens(request().messages), 5)
PAID = PRICE.cost_usd(10, 5)


async def ask_many(
    llm: OpenAIChatModel, count: int
) -> tuple[list[ChatResult], list[BaseException]]:
    outcomes = await asyncio.gather(
        *(llm.complete(request(n)) for n in range(count)), return_exceptions=True
    )
    return (
        [outcome for outcome in outcomes if isinstance(outcome, ChatResult)],
        [outcome for outcome in outcomes if isinstance(outcome, BaseException)],
    )


@pytest.mark.parametrize("concurrency", [1, 4, 32])
async def test_the_spending_cap_is_never_overrun_and_is_used_up(concurrency: int) -> None:
    cap = 10 * PAID + WORST
    with ScriptedEndpoint(says("4", after=0.01)) as endpoint:
        settings = EndpointSettings(
            base_url=endpoint.base_url, model="tiny", concurrency=concurrency
        )
        async with model(settings, budget=Budget(max_usd=cap)) as llm:
            done, refused = await ask_many(llm, 40)
        sent = len(endpoint.script.chats_seen)
    spent = sum(call.cost_usd for result in done for call in result.attempts)
    assert spent == pytest.approx(llm.ledger.spent_usd)
    assert spent <= cap
    # Not stopped early because of what was set aside: eleven fit, and eleven were made.
    assert len(done) == sent == 11
    assert all(isinstance(error, BudgetExceededError) for error in refused)


async def test_the_call_cap_is_exact_under_concurrency() -> None:
    with ScriptedEndpoint(says("4", after=0.01)) as endpoint:
        async with model(endpoint.base_url, budget=Budget(max_calls=7)) as llm:
            done, refused = await ask_many(llm, 30)
        assert len(endpoint.script.chats_seen) == 7
    assert (len(done), len(refused)) == (7, 23)
    assert "llm.max_calls=7" in str(refused[0])


async def test_a_retry_is_no_further_call() -> None:
    with ScriptedEndpoint(fails(500), says("4")) as endpoint:
        async with model(endpoint.base_url, budget=Budget(max_calls=1)) as llm:
            assert len((await llm.complete(request())).attempts) == 2
            with pytest.raises(BudgetExceededError):
                await llm.complete(request(1))


async def test_a_retry_that_no_longer_fits_ends_with_the_attempts_made() -> None:
    paid_in_vain = streams(chunk("12345678" * 4))
    with ScriptedEndpoint(paid_in_vain) as endpoint:
        async with model(endpoint.base_url, budget=Budget(max_usd=WORST)) as llm:
            with pytest.raises(BudgetExceededError, match="spending cap") as caught:
                await llm.complete(request())
    (call,) = attempts_of(caught.value)
    assert call.cost_usd == llm.ledger.spent_usd > 0


async def test_what_was_spent_before_counts() -> None:
    with ScriptedEndpoint() as endpoint:
        budget = Budget(max_usd=2 * WORST, spent_usd=1.5 * WORST, max_calls=9, made_calls=9)
        async with model(endpoint.base_url, budget=budget) as llm:
            with pytest.raises(BudgetExceededError, match="call cap"):
                await llm.complete(request())
        async with model(endpoint.base_url, budget=replace(budget, max_calls=None)) as llm:
            with pytest.raises(BudgetExceededError, match="spending cap"):
                await llm.complete(request())
        assert endpoint.script.seen == []


async def test_a_cancelled_call_gives_back_what_was_set_aside() -> None:
    with ScriptedEndpoint(says("4", after=5)) as endpoint:
        settings = EndpointSettings(base_url=endpoint.base_url, model="tiny", concurrency=1)
        async with model(settings, budget=Budget(max_usd=3 * WORST)) as llm:
            tasks = [asyncio.create_task(llm.complete(request(n))) for n in range(3)]
            assert await asyncio.to_thread(endpoint.asked.wait, 10)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert llm.ledger.spent_usd == 0.0
            # One was sent; the other two never left.
            assert llm.ledger.made_calls == 1
            for reservation in [await llm.ledger.reserve(WORST, new_call=True) for _ in range(3)]:
                with reservation:
                    pass


@settings(max_examples=60, deadline=None)
@given(
    cap=st.integers(0, 60),
    attempts=st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 3)), max_size=30
    ),
)
def test_any_mix_of_attempts_stays_below_the_cap_and_ends(
    cap: int, attempts: list[tuple[int, int, int]]
) -> None:
    """Worst case, real cost (at most that) and duration of each attempt; amounts in whole USD."""

    async def attempt(ledger: Ledger, worst: int, real: int, turns: int) -> bool:
        try:
            with await ledger.reserve(worst, new_call=True) as reservation:
                reservation.sent()
                for _ in range(turns):
                    await asyncio.sleep(0)
                reservation.pay(min(worst, real))
        except BudgetExceededError:
            return False
        return True

    async def run() -> None:
        ledger = Ledger(Budget(max_usd=cap))
        done = await asyncio.gather(*(attempt(ledger, *each) for each in attempts))
        paid = sum(min(w, r) for (w, r, _), ok in zip(attempts, done, strict=True) if ok)
        assert ledger.spent_usd == paid <= cap
        assert ledger.made_calls == sum(done)
        # Whatever was refused would not have fitted in the end either.
        for (worst, _, _), ok in zip(attempts, done, strict=True):
            assert ok or paid + worst > cap

    asyncio.run(run())


@pytest.mark.slow
def test_quick_policy_is_what_these_tests_assume() -> None:
    assert QUICK.attempts == 4
