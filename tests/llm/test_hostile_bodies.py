"""Bodies that never end, are packed, nested or cut: each attempt has its budget and its reason."""

import asyncio
import gzip
import json
import resource
import zlib
from collections.abc import Callable

import pytest

from lamas.domain import ModelCall
from lamas.errors import ModelRequestError
from lamas.llm import EndpointSettings, attempts_of
from lamas.llm.body_budget import answer_bytes, answer_characters
from tests.llm.asking import model, request
from tests.llm.scripted_endpoint import (
    Answer,
    ScriptedEndpoint,
    breaks_off,
    chunk,
    completion,
    pours,
    says,
    sends,
    sends_json,
    streams,
)

JSON = "application/json"
EVENT = f"data: {chunk('word ' * 200)}\n\n".encode()
DEEP = "[" * 100_000
LONG_NUMBER = "9" * 6_000


async def first_of(bad: Answer, *, stream: bool = True) -> ModelCall:
    """The attempt that met `bad`, after which a good answer came."""
    with ScriptedEndpoint(bad, says("4")) as endpoint:
        settings = EndpointSettings(
            base_url=endpoint.base_url,
            model="tiny",
            stream=stream,
            first_chunk_timeout_seconds=1.0,
            total_timeout_seconds=20.0 if stream else 1.0,
        )
        async with model(settings) as llm:
            first, second = (await llm.complete(request())).attempts
    assert (first.status, second.response_text) == ("error", "4")
    return first


def zipped(size: int) -> bytes:
    return gzip.compress(b" " * size)


TOO_MUCH: dict[str, Answer] = {
    "a stream without end": pours(EVENT),
    "comments without end": pours(b": " + b"x" * 60_000 + b"\n\n"),
    "a line without end": pours(b"x" * 60_000),
    "a body without end": pours(b" " * 60_000, JSON),
    "an error without end": pours(b" " * 60_000, JSON, status=500),
    "a long answer in one piece": sends_json(completion({"content": "x" * 2_000_000})),
    "a packed body": sends(zipped(300 << 20), JSON, headers={"content-encoding": "gzip"}),
    "a packed stream": sends(gzip.compress(EVENT * 100_000), headers={"content-encoding": "gzip"}),
    "a deflated body": sends(
        zlib.compress(b" " * (300 << 20)), JSON, headers={"content-encoding": "deflate"}
    ),
    "a packed error": sends(
        zipped(300 << 20), JSON, headers={"content-encoding": "gzip"}, status=503
    ),
}


@pytest.mark.parametrize("bad", TOO_MUCH.values(), ids=TOO_MUCH)
async def test_more_than_an_answer_can_be_is_cut_off_by_a_budget_that_names_itself(
    bad: Answer,
) -> None:
    call = await first_of(bad)
    assert call.error is not None
    assert call.error.startswith("MalformedReplyError: the ")
    budgets = {1 << 20, answer_bytes(5), answer_characters(5)}
    assert any(f" is longer than {budget} " in call.error for budget in budgets), call.error


@pytest.mark.slow
async def test_a_packed_body_takes_no_more_memory_than_its_budget() -> None:
    bomb = sends(zipped(1 << 30), JSON, headers={"content-encoding": "gzip"})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await first_of(bomb)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10


PACKED: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}


@pytest.mark.parametrize("encoding", PACKED)
async def test_an_answer_that_is_packed_unasked_is_read(encoding: str) -> None:
    packed = PACKED[encoding](json.dumps(completion({"content": "4"})).encode())
    answer = sends(packed, JSON, headers={"content-encoding": encoding})
    with ScriptedEndpoint(answer) as endpoint:
        async with model(endpoint.base_url) as llm:
            assert (await llm.complete(request())).text == "4"
        assert endpoint.script.chats_seen[0].headers["accept-encoding"] == "identity"


FAULTS: dict[str, tuple[Answer, str]] = {
    "JSON without end of nesting": (sends(DEEP, JSON), "MalformedReplyError"),
    "an event without end of nesting": (streams(DEEP), "MalformedReplyError"),
    "a deep content": (
        sends('{"choices": [{"message": {"content": ' + "[" * 900 + "]" * 900 + "}}]}", JSON),
        "MalformedReplyError",
    ),
    "a long number": (sends(f'{{"usage": {LONG_NUMBER}}}', JSON), "MalformedReplyError"),
    "a long number in an event": (streams(f'{{"usage": {LONG_NUMBER}}}'), "MalformedReplyError"),
    "a body cut off where a stream was asked for": (
        breaks_off('{"choices": [{"message": '),
        "connection was lost",
    ),
    "a stream cut off": (breaks_off(f"data: {chunk('4')}\n\n", "text/event-stream"), "Connection"),
    "packed and damaged": (
        sends(b"no gzip", JSON, headers={"content-encoding": "gzip"}),
        "packed body is damaged",
    ),
    "packed in another way": (
        sends(b"...", JSON, headers={"content-encoding": "br"}),
        "packed as 'br'",
    ),
    "bytes that are no text": (sends(b'{"choices": "\xff"}', JSON), "MalformedReplyError"),
    "a choice of another kind": (sends('{"choices": [7]}', JSON), "a choice is '7'"),
    "an empty list of choices": (sends('{"choices": []}', JSON), "no 'choices'"),
}


@pytest.mark.parametrize(("bad", "reason"), FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_every_fault_is_an_attempt_with_its_reason(
    bad: Answer, reason: str, stream: bool
) -> None:
    call = await first_of(bad, stream=stream)
    assert call.error is not None
    assert reason in call.error


SLOW: dict[str, Answer] = {
    "comments, a few bytes at a time": pours(b": \n\n", pause=0.05),
    "a body, a byte at a time": pours(b" ", JSON, pause=0.05),
    "an error, a byte at a time": pours(b" ", JSON, pause=0.05, status=500),
}


@pytest.mark.parametrize("bad", SLOW.values(), ids=SLOW)
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_what_drips_is_cut_off_by_the_limit_of_time(bad: Answer, stream: bool) -> None:
    call = await first_of(bad, stream=stream)
    assert call.error == "ReplyTimeoutError: no text of the answer within 1 s"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_says_where_to(status: int) -> None:
    with ScriptedEndpoint(says("stolen")) as other:
        where = f"http://me:secret@127.0.0.1:{other.port}/v1/chat/completions?key=abc"
        redirect = sends("", JSON, headers={"location": where}, status=status)
        with ScriptedEndpoint(redirect) as endpoint:
            async with model(endpoint.base_url) as llm:
                with pytest.raises(ModelRequestError) as caught:
                    await llm.complete(request())
            assert len(endpoint.script.chats_seen) == 1
        assert other.script.seen == []
    message = str(caught.value)
    assert f"HTTP {status}: it sends on to http://127.0.0.1:{other.port}/v1/chat" in message
    assert "llm.base_url" in message
    assert "secret" not in message
    assert "abc" not in message
    assert [call.status for call in attempts_of(caught.value)] == ["error"]


@pytest.mark.slow
async def test_many_endless_answers_at_once_hold_no_more_than_their_budgets() -> None:
    with ScriptedEndpoint(*[pours(EVENT)] * 16, says("4")) as endpoint:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        async with model(endpoint.base_url) as llm:
            results = await asyncio.gather(*(llm.complete(request(n)) for n in range(16)))
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert {result.text for result in results} == {"4"}
    assert grown < 200 << 10
