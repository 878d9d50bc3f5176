"""What endpoints call an answer: each kind of oddity, streamed and whole, read or refused."""

import json
import logging

import pytest

from lamas.domain import ModelCall
from lamas.errors import ModelRequestError
from lamas.llm import EndpointSettings, attempts_of
from lamas.llm.answer_parts import mapping
from tests.llm.asking import PRICE, model, request
from tests.llm.scripted_endpoint import (
    Answer,
    ScriptedEndpoint,
    choice_chunk,
    chunk,
    completion,
    says,
    sends,
    sends_json,
    streams,
)

SAYS_4 = {"role": "assistant", "content": "4"}
USED = {"prompt_tokens": 12, "completion_tokens": 3}


async def calls_of(*answers: Answer, stream: bool = True) -> tuple[ModelCall, ...]:
    """The attempts of one call."""
    with ScriptedEndpoint(*answers) as endpoint:
        settings = EndpointSettings(base_url=endpoint.base_url, model="tiny", stream=stream)
        async with model(settings) as llm:
            try:
                return (await llm.complete(request())).attempts
            except ModelRequestError as error:
                return attempts_of(error)


PASSING: dict[str, object] = {
    "a number": {"error": {"code": 429, "message": "slow down"}},
    "a number as text": {"error": {"code": "503", "message": "slow down"}},
    "only a text": {"error": "slow down"},
    "a list": {"errors": [{"message": "slow down"}]},
    "vLLM's": {"object": "error", "message": "slow down", "type": "InternalServerError"},
    "FastAPI's": {"detail": "slow down"},
    "MiniMax's": {"base_resp": {"status_code": 1002, "status_msg": "slow down"}},
    "beside an answer": {**completion(SAYS_4), "error": {"code": 502, "message": "slow down"}},
    "in the choice": {
        "choices": [{"finish_reason": "error", "error": {"code": 502, "message": "slow down"}}]
    },
}


@pytest.mark.parametrize("body", PASSING.values(), ids=PASSING)
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_an_error_with_the_status_of_a_success_is_quoted_and_asked_again(
    body: object, stream: bool
) -> None:
    bad = streams(json.dumps(body), "[DONE]") if stream else sends_json(body)
    first, second = await calls_of(bad, says("4"), stream=stream)
    assert (first.status, second.status) == ("error", "ok")
    assert first.error is not None
    assert "slow down" in first.error


REFUSED: dict[str, object] = {
    "a number": {"error": {"code": 401, "message": "no entry"}},
    "a number as text": {"error": {"code": "400", "message": "no entry"}},
    "a word": {"error": {"code": "insufficient_quota", "message": "no entry"}},
    "a type": {"error": {"type": "invalid_request_error", "message": "no entry"}},
    "a limit": {"error": {"type": "billing_hard_limit_reached", "message": "no entry"}},
    "in the choice": {"choices": [{"error": {"code": 403, "message": "no entry"}}]},
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_a_refusal_with_the_status_of_a_success_is_asked_once(
    body: object, stream: bool
) -> None:
    bad = streams(json.dumps(body), "[DONE]") if stream else sends_json(body)
    (only,) = await calls_of(bad, says("4"), stream=stream)
    assert only.status == "error"
    assert only.error is not None
    assert "no entry" in only.error


@pytest.mark.slow
@pytest.mark.parametrize(
    "reason",
    ["error", "abort", "network_error", "insufficient_system_resource", "failed", "Error"],
)
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_an_answer_that_the_endpoint_gave_up_is_none_and_paid(
    reason: str, stream: bool
) -> None:
    events = streams(chunk("half"), choice_chunk({}, reason, usage=USED), "[DONE]")
    whole = sends_json(completion({"content": "half"}, reason, usage=USED))
    first, second = await calls_of(events if stream else whole, says("4"), stream=stream)
    assert first.status == "error"
    assert first.error == f"ErrorAnswerError: error in place of an answer: finish_reason {reason!r}"
    assert first.cost_usd == PRICE.cost_usd(12, 3)
    assert second.status == "ok"


@pytest.mark.parametrize(
    "nothing", [None, "", {}, [], {"code": 0, "message": "success"}, {"code": None}], ids=str
)
async def test_an_error_field_that_says_nothing_is_no_error(nothing: object) -> None:
    (call,) = await calls_of(sends_json({**completion(SAYS_4), "error": nothing}), stream=False)
    assert (call.status, call.response_text) == ("ok", "4")


INCOMPLETE: dict[str, object] = {
    "none": None,
    "empty": {},
    "null counts": {"prompt_tokens": None, "completion_tokens": None},
    "an input alone": {"prompt_tokens": 12},
    "a null output": {"prompt_tokens": 12, "completion_tokens": None},
    "an output alone": {"completion_tokens": 3},
    "an output of nothing for a text": {"prompt_tokens": 12, "completion_tokens": 0},
    "a total alone": {"total_tokens": 15},
}


@pytest.mark.parametrize("usage", INCOMPLETE.values(), ids=INCOMPLETE)
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_a_count_that_is_missing_is_estimated_and_the_answer_kept(
    usage: object, stream: bool
) -> None:
    text = "so the answer must be four"
    events = streams(chunk(text), choice_chunk({}, "stop", usage=usage), "[DONE]")
    whole = sends_json(completion({"content": text}, usage=usage))
    (call,) = await calls_of(events if stream else whole, stream=stream)
    given = mapping(usage)
    assert (call.status, call.response_text) == ("ok", text)
    assert call.usage_estimated
    assert call.remarks == ("usage_incomplete",)
    assert call.usage_output_tokens == (given.get("completion_tokens") or -(-len(text) // 4))
    if given.get("prompt_tokens"):
        assert call.usage_input_tokens == 12
    assert call.cost_usd == PRICE.cost_usd(call.usage_input_tokens, call.usage_output_tokens) > 0


@pytest.mark.parametrize(
    "count",
    [2**63, 2**64 - 1, 10**400, -1, True, "many", 1.5, 10_000_001, [3], 1e308],
    ids=lambda count: str(count)[:12],
)
@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens"])
async def test_a_count_that_cannot_be_is_estimated_marked_and_told(
    count: object, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    usage = {**USED, name: count}
    (call,) = await calls_of(streams(chunk("4", "stop"), json.dumps({"usage": usage}), "[DONE]"))
    assert (call.status, call.response_text) == ("ok", "4")
    assert call.usage_estimated
    assert call.remarks == ("usage_impossible",)
    assert call.cost_usd == PRICE.cost_usd(call.usage_input_tokens, call.usage_output_tokens)
    assert call.cost_usd < 1
    (record,) = [item for item in caplog.records if item.levelno == logging.WARNING]
    assert f"reports {name}={str(count)[:20]}" in record.getMessage()


@pytest.mark.parametrize("last", [USED, {"prompt_tokens": None, "completion_tokens": 3}], ids=str)
async def test_counts_of_several_chunks_complete_each_other(last: object) -> None:
    first = choice_chunk({"content": "4"}, usage={"prompt_tokens": 12, "completion_tokens": None})
    (call,) = await calls_of(streams(first, choice_chunk({}, "stop", usage=last), "[DONE]"))
    assert (call.usage_input_tokens, call.usage_output_tokens) == (12, 3)
    assert not call.usage_estimated


async def test_whole_numbers_written_as_fractions_are_counts() -> None:
    usage = {"prompt_tokens": 12.0, "completion_tokens": 3.0}
    (call,) = await calls_of(sends_json(completion(SAYS_4, usage=usage)), stream=False)
    assert (call.usage_input_tokens, call.usage_output_tokens) == (12, 3)
    assert call.remarks == ()


HALVES: dict[str, tuple[list[str], str]] = {
    "a half alone": (["1\ud83d"], "1\ufffd"),
    "the other half alone": (["\ude00 2"], "\ufffd 2"),
    "halves in the wrong order": (["\ude00\ud83d"], "\ufffd\ufffd"),
    "a NUL": (["a\0b"], "a\ufffdb"),
    "a half before the end": (["x", "y\udbff"], "xy\ufffd"),
    "a whole among halves": (["\ud83d\ud83d\ude00"], "\ufffd\U0001f600"),
}


@pytest.mark.parametrize(("pieces", "text"), HALVES.values(), ids=HALVES)
async def test_a_character_that_cannot_be_kept_is_replaced_once_and_recorded(
    pieces: list[str], text: str
) -> None:
    events = streams(*(chunk(piece) for piece in pieces), chunk(None, "stop"), "[DONE]")
    (call,) = await calls_of(events)
    assert call.response_text == text
    assert "text_mended" in call.remarks


async def test_halves_of_two_chunks_are_one_character() -> None:
    events = streams(chunk("so \ud83d"), chunk("\ude00!"), chunk(None, "stop"), "[DONE]")
    (call,) = await calls_of(events)
    assert call.response_text == "so \U0001f600!"
    assert "text_mended" not in call.remarks


@pytest.mark.parametrize("field", ["id", "model"])
async def test_half_a_character_in_a_name_costs_nothing(field: str) -> None:
    body = {**completion(SAYS_4, usage=USED), field: "n\ud83d"}
    (call,) = await calls_of(sends_json(body), stream=False)
    assert "n\ufffd" in (call.response_id, call.response_model)
    assert call.remarks == ("text_mended",)


def counting(*pieces: str) -> list[str]:
    return [
        json.dumps({"choices": [{"index": place, "delta": {"content": piece}}]})
        for place, piece in enumerate(pieces)
    ]


SHAPES: dict[str, list[str]] = {
    "choices of null": [choice_chunk({"content": "1"}, choices=None), chunk("2 is it", "stop")],
    "usage with choices of null": [chunk("2 is it", "stop"), '{"choices": null, "usage": {}}'],
    "an index that counts up": [*counting("2", " is", " it"), chunk(None, "stop")],
    "an index of null": [
        json.dumps({"choices": [{"index": None, "delta": {"content": "2 is it"}}]}),
        chunk(None, "stop"),
    ],
    "blocks": [
        choice_chunk(
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm, 3?"}]},
                    {"type": "text", "text": "2 is it"},
                ]
            },
            "stop",
        )
    ],
    "a block": [choice_chunk({"content": {"type": "text", "text": "2 is it"}}, "stop")],
    "a delta of null at the end": [chunk("2 is it"), choice_chunk(None, "stop")],
    "a message in place of deltas": [
        json.dumps({"choices": [{"message": {"content": "2 is it"}, "finish_reason": "stop"}]})
    ],
    "deltas and then the message": [
        chunk("2 is it"),
        json.dumps({"choices": [{"message": {"content": "2 is it"}, "finish_reason": "stop"}]}),
    ],
    "a ping": ['{"type": "ping"}', chunk("2 is it", "stop"), "{}"],
    "a first chunk of Azure's": [
        json.dumps({"choices": [], "prompt_filter_results": [], "id": ""}),
        chunk("2 is it", "stop"),
    ],
    "thinking apart": [
        choice_chunk({"reasoning_content": "hm, 3?", "content": None}),
        chunk("2 is it", "stop"),
    ],
    "a refusal": [choice_chunk({"content": None, "refusal": "2 is it"}, "stop")],
}


@pytest.mark.parametrize("events", SHAPES.values(), ids=SHAPES)
async def test_every_shape_of_a_stream_is_read(events: list[str]) -> None:
    (call,) = await calls_of(streams(*events, "[DONE]"), says("not asked for"))
    assert (call.status, call.response_text) == ("ok", "2 is it")


async def test_comments_and_names_of_events_are_passed_over() -> None:
    body = f": wait\n\nevent: message\ndata: {chunk('2 is it', 'stop')}\n\n: \n\ndata: [DONE]\n\n"
    (call,) = await calls_of(sends(body))
    assert (call.status, call.response_text) == ("ok", "2 is it")


async def test_of_several_choices_that_were_asked_for_the_first_is_the_answer() -> None:
    events = [
        json.dumps({"choices": [{"index": place, "delta": {"content": text}}]})
        for place, text in [(0, "2 is"), (1, "3 is"), (0, " it"), (1, " that")]
    ]
    with ScriptedEndpoint(streams(*events, chunk(None, "stop"), "[DONE]")) as endpoint:
        settings = EndpointSettings(base_url=endpoint.base_url, model="tiny", extra_body={"n": 2})
        async with model(settings) as llm:
            assert (await llm.complete(request())).text == "2 is it"


THOUGHTS: dict[str, dict[str, object]] = {
    "vLLM's": {"content": None, "reasoning_content": "hm, is it 3? " * 20},
    "OpenRouter's": {"content": "", "reasoning": "hm, is it 3? " * 20},
    "Ollama's": {"content": "", "thinking": "hm, is it 3? " * 20},
    "Mistral's": {
        "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm? " * 65}]}]
    },
    "Anthropic's": {"content": [{"type": "thinking", "thinking": "hm, is it 3? " * 20}]},
    "unclosed": {"content": "<think>" + "hm, is it 3? " * 20},
    "without a content": {"reasoning_content": "hm, is it 3? " * 20},
}


@pytest.mark.parametrize("message", THOUGHTS.values(), ids=THOUGHTS)
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("finish", ["length", "stop"])
async def test_an_answer_of_thoughts_alone_is_known_for_one(
    message: dict[str, object], stream: bool, finish: str
) -> None:
    events = streams(choice_chunk(message), choice_chunk({}, finish), "[DONE]")
    whole = sends_json(completion(message, finish))
    (call,) = await calls_of(events if stream else whole, stream=stream)
    assert call.status == "ok"
    assert "only_reasoning" in call.remarks
    assert call.response_finish_reasons == (finish,)
    # Thoughts are paid for: an estimate counts them.
    assert 60 <= call.usage_output_tokens <= 70


CACHED: dict[str, tuple[dict[str, object], int]] = {
    "OpenAI's": ({"prompt_tokens_details": {"cached_tokens": 8}}, 8),
    "DeepSeek's": ({"prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 4}, 8),
    "Moonshot's": ({"cached_tokens": 8}, 8),
    "Anthropic's": ({"cache_read_input_tokens": 8}, 8),
    "all of it": ({"prompt_tokens_details": {"cached_tokens": 12}}, 12),
    "null": ({"prompt_tokens_details": {"cached_tokens": None}}, 0),
    "null details": ({"prompt_tokens_details": None}, 0),
    "more than there is": ({"prompt_tokens_details": {"cached_tokens": 13}}, 12),
    "less than none": ({"prompt_tokens_details": {"cached_tokens": -8}}, 0),
}


@pytest.mark.parametrize(("details", "cached"), CACHED.values(), ids=CACHED)
async def test_cached_input_is_recorded_and_priced(details: dict[str, object], cached: int) -> None:
    body = completion(SAYS_4, usage={**USED, **details})
    (call,) = await calls_of(sends_json(body), stream=False)
    assert call.usage_input_tokens == 12
    assert call.usage_cached_tokens == cached
    assert call.cost_usd == PRICE.cost_usd(12, 3, cached)
    assert call.cost_usd == ((12 - cached) * 1000 + cached * 100 + 3 * 10_000) / 1e6
    impossible = details in (CACHED["more than there is"][0], CACHED["less than none"][0])
    assert call.remarks == (("usage_impossible",) if impossible else ())


async def test_a_prompt_with_half_a_character_is_asked_with_its_replacement() -> None:
    with ScriptedEndpoint(says("4")) as endpoint:
        async with model(endpoint.base_url) as llm:
            await llm.complete(request(text="2 \ud83d 2?"))
        (seen,) = endpoint.script.chats_seen
    assert "2 \ufffd 2?" in json.dumps(seen.body, ensure_ascii=False)


@pytest.mark.slow
async def test_what_steers_a_terminal_stands_escaped_in_an_error() -> None:
    message = "\x1b[2J\x1b]0;mine\x07 \u202egnp.exe \x9b1m \r\n fine"
    body = json.dumps({"error": {"code": 400, "message": message}})
    (call,) = await calls_of(sends(body, "application/json", status=400))
    assert call.error is not None
    assert call.error.isprintable()
    assert r"\x1b[2J\x1b]0;mine\x07 \u202egnp.exe \x9b1m fine" in call.error
