"""Endpoints that fail: what is asked again, when, and what is left in the records."""

import asyncio
import time
from dataclasses import replace
from email.utils import formatdate

import pytest

from lamas.errors import ModelError, ModelRequestError, ModelUnreachableError
from lamas.llm import EndpointSettings, RetryPolicy, attempts_of
from tests.llm.asking import PRICE, QUICK, model, request
from tests.llm.scripted_endpoint import (
    Answer,
    ScriptedEndpoint,
    chunk,
    fails,
    hangs,
    says,
    sends,
    streams,
)
from tests.patience import patience

MALFORMED: dict[str, Answer] = {
    "no events": sends("<html>bad gateway</html>", "text/html"),
    "broken JSON": streams('{"id": '),
    "not an object": streams("[1, 2]"),
    "no choices": streams('{"id": "c1"}', "[DONE]"),
    "choices of another kind": streams('{"id": "c1", "choices": [5]}', "[DONE]"),
    "content of another kind": streams(chunk("x").replace('"x"', "17"), "[DONE]"),
    "no end": streams(chunk("half an ans")),
    "body that is no completion": sends('{"hello": 1}', "application/json"),
    "body that is no JSON": sends("{", "application/json"),
    "error event": streams(chunk("4"), '{"error": {"message": "slot lost", "code": 500}}'),
}


@pytest.mark.parametrize("bad", MALFORMED.values(), ids=MALFORMED)
async def test_malformed_bodies_are_asked_again(bad: Answer) -> None:
    with ScriptedEndpoint(bad, says("4")) as endpoint:
        async with model(endpoint.base_url) as llm:
            result = await llm.complete(request())
    first, second = result.attempts
    assert (first.status, second.status) == ("error", "ok")
    assert first.error is not None
    assert first.error.split(":")[0] in {"MalformedReplyError", "ErrorAnswerError"}
    assert result.text == "4"


async def test_malformed_bodies_without_streaming_are_asked_again() -> None:
    with ScriptedEndpoint(sends("oops", "text/plain"), sends("{}"), says("4")) as endpoint:
        settings = EndpointSettings(base_url=endpoint.base_url, model="tiny", stream=False)
        async with model(settings) as llm:
            result = await llm.complete(request())
    assert [attempt.status for attempt in result.attempts] == ["error", "error", "ok"]


async def test_what_arrived_of_a_broken_answer_is_paid() -> None:
    with ScriptedEndpoint(streams(chunk("half an answer")), says("4")) as endpoint:
        async with model(endpoint.base_url) as llm:
            first, second = (await llm.complete(request())).attempts
        assert first.usage_estimated
        assert first.cost_usd == PRICE.cost_usd(first.usage_input_tokens, 4) > 0
        assert llm.ledger.spent_usd == first.cost_usd + second.cost_usd


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
async def test_errors_that_may_pass_are_asked_again(status: int) -> None:
    with ScriptedEndpoint(fails(status, "busy"), says("4")) as endpoint:
        async with model(endpoint.base_url) as llm:
            result = await llm.complete(request())
    assert result.attempts[0].error is not None
    assert f"HTTP {status}: busy" in result.attempts[0].error
    assert result.attempts[0].cost_usd == 0.0
    assert llm.ledger.made_calls == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
async def test_errors_that_cannot_pass_are_asked_once(status: int) -> None:
    with ScriptedEndpoint(fails(status, "never")) as endpoint:
        async with model(endpoint.base_url) as llm:
            with pytest.raises(ModelRequestError, match=f"HTTP {status}: never") as caught:
                await llm.complete(request())
        assert len(endpoint.script.chats_seen) == 1
    (call,) = attempts_of(caught.value)
    assert (call.status, call.attempt) == ("error", 1)


async def test_an_exhausted_quota_is_no_rate_limit() -> None:
    with ScriptedEndpoint(fails(429, "pay first", code="insufficient_quota")) as endpoint:
        async with model(endpoint.base_url) as llm:
            with pytest.raises(ModelRequestError, match="pay first"):
                await llm.complete(request())


async def test_after_the_last_attempt_the_error_carries_all_of_them() -> None:
    with ScriptedEndpoint(fails(503, "overloaded")) as endpoint:
        async with model(endpoint.base_url) as llm:
            with pytest.raises(ModelUnreachableError, match=r"in 4 attempts.*overloaded") as caught:
                await llm.complete(request())
    assert [call.attempt for call in attempts_of(caught.value)] == [1, 2, 3, 4]
    assert len({call.call_id for call in attempts_of(caught.value)}) == 1


async def test_nothing_listening_is_unreachable() -> None:
    async with model("http://127.0.0.1:9/v1") as llm:
        with pytest.raises(ModelUnreachableError, match=r"127\.0\.0\.1:9.*APIConnectionError"):
            await llm.complete(request())


@pytest.mark.parametrize("form", ["seconds", "milliseconds", "date"])
async def test_retry_after_is_waited_for(form: str) -> None:
    headers = {
        "seconds": {"retry-after": "0.4"},
        "milliseconds": {"retry-after-ms": "400", "retry-after": "3600"},
        # A date has whole seconds: two ahead is more than one away.
        "date": {"retry-after": formatdate(time.time() + 2, usegmt=True)},
    }[form]
    with ScriptedEndpoint(fails(429, headers=headers), says("4")) as endpoint:
        async with model(endpoint.base_url) as llm:
            await llm.complete(request())
        first, second = endpoint.script.chats_seen
    assert second.at - first.at >= 0.4


async def test_a_server_that_asks_for_too_long_a_wait_is_unreachable() -> None:
    with ScriptedEndpoint(fails(429, headers={"retry-after": "3600"})) as endpoint:
        async with model(endpoint.base_url) as llm:
            with pytest.raises(ModelUnreachableError, match="wait 3600 s"):
                await llm.complete(request())
        assert len(endpoint.script.chats_seen) == 1


async def test_a_hanging_answer_is_cut_and_asked_again() -> None:
    with ScriptedEndpoint(hangs(), says("4")) as endpoint:
        settings = EndpointSettings(
            base_url=endpoint.base_url, model="tiny", first_chunk_timeout_seconds=1.0
        )
        async with model(settings) as llm:
            first, second = (await llm.complete(request())).attempts
    assert first.error == "ReplyTimeoutError: no text of the answer within 1 s"
    assert first.seconds >= 1.0
    assert second.status == "ok"


async def test_an_answer_that_begins_and_never_ends_is_cut_by_the_total_limit() -> None:
    endless = streams(*(chunk("x") for _ in range(200)), pause=0.05)
    with ScriptedEndpoint(endless, says("4")) as endpoint:
        settings = EndpointSettings(
            base_url=endpoint.base_url,
            model="tiny",
            first_chunk_timeout_seconds=1.0,
            total_timeout_seconds=1.5,
        )
        async with model(settings) as llm:
            first, second = (await llm.complete(request())).attempts
    assert first.error == "ReplyTimeoutError: no end of the answer within 1.5 s"
    assert first.usage_output_tokens > 0
    assert second.status == "ok"


async def test_a_call_that_waits_to_be_repeated_holds_no_slot() -> None:
    slow_down = fails(429, headers={"retry-after": f"{patience(0.5):.0f}"})
    with ScriptedEndpoint(slow_down, says("4")) as endpoint:
        settings = EndpointSettings(base_url=endpoint.base_url, model="tiny", concurrency=1)
        async with model(settings) as llm:
            waiting = asyncio.create_task(llm.complete(request(0)))
            assert await asyncio.to_thread(endpoint.asked.wait, patience(10))
            await llm.complete(request(1))
            assert not waiting.done()
            assert len((await waiting).attempts) == 2


async def test_keys_are_in_no_error_no_record_and_no_representation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = "sk-proj-abcdef0123456789"
    monkeypatch.setenv("LAMAS_TEST_KEY", key)
    refusal = fails(401, f"Incorrect API key provided: {key}, or sk-proj-**6789.")
    with ScriptedEndpoint(refusal) as endpoint:
        settings = EndpointSettings(
            base_url=endpoint.base_url, model="tiny", api_key_env="LAMAS_TEST_KEY"
        )
        async with model(settings) as llm:
            with pytest.raises(ModelError) as caught:
                await llm.complete(request())
            shown = f"{caught.value}{attempts_of(caught.value)}{settings}{llm!r}"
        assert endpoint.script.seen[0].headers["authorization"] == f"Bearer {key}"
    assert "[key]" in shown
    assert "6789" not in shown


async def test_errors_that_are_ours_are_not_taken_for_the_endpoint_s() -> None:
    with ScriptedEndpoint() as endpoint:
        settings = EndpointSettings(
            base_url=endpoint.base_url, model="tiny", extra_body={"broken": object()}
        )
        async with model(settings) as llm:
            with pytest.raises(TypeError):
                await llm.complete(request())


async def test_many_faulty_calls_all_end_well() -> None:
    """Faults of several kinds under concurrency: every call ends, none is lost or doubled."""
    faults = [fails(429), fails(500), streams(chunk("x")), hangs(2), says("4")]
    script = [faults[n % 5] for n in range(60)] + [says("4")]
    with ScriptedEndpoint(*script) as endpoint:
        settings = EndpointSettings(
            base_url=endpoint.base_url,
            model="tiny",
            concurrency=16,
            first_chunk_timeout_seconds=0.5,
        )
        async with model(settings, retry=replace(QUICK, attempts=20)) as llm:
            results = await asyncio.gather(*(llm.complete(request(n)) for n in range(30)))
        seen = len(endpoint.script.chats_seen)
    assert all(result.text == "4" for result in results)
    assert sum(len(result.attempts) for result in results) == seen
    assert llm.ledger.made_calls == 30


@pytest.mark.slow
def test_the_retry_policy_of_a_single_attempt() -> None:
    assert RetryPolicy(attempts=1).attempts == 1
