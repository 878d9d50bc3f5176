"""Good answers: what is sent, what is recorded, how many at once."""

import asyncio
import json
import random
from dataclasses import replace

import pytest

from lamas.errors import ConfigurationError, DomainError
from lamas.llm import Budget, EndpointSettings, OpenAIChatModel, attempts_of
from tests.llm.asking import PRICE, model, request
from tests.llm.scripted_endpoint import ScriptedEndpoint, chunk, fails, says, sends, streams


async def test_an_answer_is_recorded_with_everything_that_is_known_of_it() -> None:
    with ScriptedEndpoint(says("It is 4", usage=(12, 3), after=0.05)) as endpoint:
        async with model(endpoint.base_url) as llm:
            result = await llm.complete(request())
    (call,) = result.attempts
    assert result.text == call.response_text == "It is 4"
    assert (call.usage_input_tokens, call.usage_output_tokens) == (12, 3)
    assert not call.usage_estimated
    assert call.cost_usd == PRICE.cost_usd(12, 3) == 0.042
    assert (call.status, call.error, call.replayed, call.attempt) == ("ok", None, False, 1)
    assert (call.response_id, call.response_model) == ("c1", "tiny-2")
    assert call.response_finish_reasons == ("stop",)
    assert call.request_messages == request().messages
    assert call.call_id == llm.call_id(request())
    assert call.time_to_first_chunk_seconds is not None
    assert 0.05 <= call.time_to_first_chunk_seconds <= call.seconds
    assert llm.ledger.spent_usd == call.cost_usd
    assert llm.ledger.made_calls == 1


async def test_the_request_carries_parameters_and_no_labels_unless_asked() -> None:
    with ScriptedEndpoint() as endpoint:
        async with model(endpoint.base_url) as llm:
            await llm.complete(request())
        (seen,) = endpoint.script.chats_seen
    assert seen.body == {
        "model": "tiny",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "2 + 2?"},
        ],
        "temperature": 1.0,
        "seed": 7,
        "max_tokens": 5,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert not [name for name in seen.headers if name.startswith("x-lamas")]


async def test_annotated_requests_carry_labels_and_the_number_of_the_attempt() -> None:
    with ScriptedEndpoint(fails(500), says("ok")) as endpoint:
        settings = EndpointSettings(base_url=endpoint.base_url, model="tiny", annotate=True)
        async with model(settings) as llm:
            await llm.complete(request())
        first, second = endpoint.script.chats_seen
    assert first.headers["x-lamas-operator"] == "Generate"
    assert first.headers["x-lamas-problem_id"] == "gr%C3%B6%C3%9Fe/1"
    assert [seen.headers["x-lamas-attempt"] for seen in (first, second)] == ["1", "2"]


async def test_other_names_and_fields_of_the_body_can_be_configured() -> None:
    with ScriptedEndpoint() as endpoint:
        settings = EndpointSettings(
            base_url=endpoint.base_url,
            model="tiny",
            max_tokens_parameter="max_completion_tokens",
            extra_body={"top_p": 0.9},
        )
        async with model(settings) as llm:
            await llm.complete(request())
            other = llm.call_id(request())
        async with model(replace(settings, extra_body={"top_p": 0.8})) as llm:
            assert llm.call_id(request()) != other
        (seen,) = endpoint.script.chats_seen
    assert (seen.body["max_completion_tokens"], seen.body["top_p"]) == (5, 0.9)
    assert "max_tokens" not in seen.body


async def test_without_streaming_the_first_chunk_is_unknown() -> None:
    with ScriptedEndpoint(says("It is 4")) as endpoint:
        settings = EndpointSettings(base_url=endpoint.base_url, model="tiny", stream=False)
        async with model(settings) as llm:
            result = await llm.complete(request())
        assert "stream" not in endpoint.script.chats_seen[0].body
    assert result.text == "It is 4"
    assert result.attempts[0].time_to_first_chunk_seconds is None
    assert result.attempts[0].usage_output_tokens == 5


async def test_an_endpoint_that_ignores_streaming_is_understood() -> None:
    whole = {
        "id": "c1",
        "model": "tiny-2",
        "choices": [{"index": 0, "message": {"content": "4"}, "finish_reason": "length"}],
    }
    with ScriptedEndpoint(sends(json.dumps(whole), "application/json")) as endpoint:
        async with model(endpoint.base_url) as llm:
            result = await llm.complete(request())
    assert result.text == "4"
    assert result.attempts[0].response_finish_reasons == ("length",)


async def test_missing_usage_is_estimated_and_said_to_be() -> None:
    text = "so the answer must be four"
    with ScriptedEndpoint(says(text, usage=None)) as endpoint:
        async with model(endpoint.base_url) as llm:
            (call,) = (await llm.complete(request())).attempts
    assert call.usage_estimated
    assert call.usage_output_tokens == -(-len(text) // 4)
    assert call.usage_input_tokens > 0
    assert call.cost_usd == PRICE.cost_usd(call.usage_input_tokens, call.usage_output_tokens)


async def test_an_endpoint_that_knows_no_stream_options_is_asked_without_them() -> None:
    refusal = fails(400, "Unrecognized request argument supplied: stream_options")
    with ScriptedEndpoint(refusal, says("ok"), says("ok")) as endpoint:
        async with model(endpoint.base_url) as llm:
            first = await llm.complete(request(0))
            second = await llm.complete(request(1))
        asked = ["stream_options" in seen.body for seen in endpoint.script.chats_seen]
    assert asked == [True, False, False]
    assert (len(first.attempts), len(second.attempts)) == (2, 1)
    assert second.attempts[0].usage_estimated


async def test_an_empty_answer_is_an_answer() -> None:
    with ScriptedEndpoint(streams(chunk(None, "content_filter"), "[DONE]")) as endpoint:
        async with model(endpoint.base_url) as llm:
            result = await llm.complete(request())
    assert result.text == ""
    assert result.attempts[0].response_finish_reasons == ("content_filter",)


async def test_never_more_in_flight_than_slots_and_no_fewer_than_possible() -> None:
    with ScriptedEndpoint(says("ok", after=0.05)) as endpoint:
        settings = EndpointSettings(base_url=endpoint.base_url, model="tiny", concurrency=3)
        async with model(settings) as llm:
            results = await asyncio.gather(*(llm.complete(request(n)) for n in range(12)))
        assert len({result.attempts[0].call_id for result in results}) == 12
        # The body of a stream is sent after the handler returned, so the records are what counts.
        calls = sorted((r.attempts[0] for r in results), key=lambda call: call.started_at)
        overlap = [
            sum(other.started_at <= call.started_at < other.ended_at for other in calls)
            for call in calls
        ]
    assert max(overlap) == 3


async def test_jitter_leaves_the_global_generator_alone() -> None:
    random.seed(5)
    state = random.getstate()
    with ScriptedEndpoint(fails(500), fails(503), says("ok")) as endpoint:
        async with model(endpoint.base_url) as llm:
            assert len((await llm.complete(request())).attempts) == 3
    assert random.getstate() == state


async def test_proxies_of_the_environment_do_not_stand_between_us_and_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-mine")
    with ScriptedEndpoint(says("ok")) as endpoint:
        async with model(endpoint.base_url) as llm:
            assert (await llm.complete(request())).text == "ok"
        assert "openai-organization" not in endpoint.script.seen[0].headers


async def test_an_unknown_model_without_a_price_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(ConfigurationError, match=r"no price is known for model 'tiny'.*llm\.price"):
        OpenAIChatModel(EndpointSettings(base_url="http://127.0.0.1:9/v1", model="tiny"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"messages": ()}, "no message"),
        ({"max_tokens": 0}, "max_tokens=0"),
        ({"temperature": -0.1}, "temperature=-0.1"),
    ],
)
def test_impossible_requests_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        replace(request(), **change)  # pyright: ignore[reportArgumentType]


def test_the_call_id_depends_on_all_that_determines_the_sample_and_nothing_else() -> None:
    settings = EndpointSettings(base_url="http://127.0.0.1:9/v1", model="tiny")
    here = model(settings, budget=Budget(max_calls=1))
    base = here.call_id(request())
    assert here.call_id(replace(request(), labels={})) == base
    assert model(replace(settings, base_url="http://127.0.0.1:8/v1")).call_id(request()) == base
    others = [
        here.call_id(request(1)),
        here.call_id(request(text="3 + 3?")),
        here.call_id(request(max_tokens=6)),
        here.call_id(replace(request(), temperature=0.9)),
        here.call_id(replace(request(), seed=8)),
        model(replace(settings, model="small")).call_id(request()),
        model(replace(settings, identity="weights-2")).call_id(request()),
    ]
    assert len({base, *others}) == 8


@pytest.mark.slow
def test_attempts_of_an_error_without_any() -> None:
    from lamas.errors import ModelError

    assert attempts_of(ModelError("x")) == ()
