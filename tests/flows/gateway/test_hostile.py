"""Forty requests that nobody means well: each a clean refusal, and the next one is served."""

import json
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import httpx
import pytest

from tests.flows.gateway.conftest import QUESTION, Running

pytestmark = pytest.mark.slow

GOOD = {"model": "lamas", "messages": [QUESTION]}
SECRET = "sk-do-not-log-0123456789"
CHAT = "/v1/chat/completions"


@dataclass(frozen=True)
class Hostile:
    """A request and how it is refused."""

    status: int
    content: bytes | object = field(default_factory=lambda: GOOD)
    path: str = CHAT
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()
    parameter: str | None = None


def chat(status: int = 400, parameter: str | None = None, **more: object) -> Hostile:
    return Hostile(status, {**GOOD, **more}, parameter=parameter)


def response(parameter: str | None = None, **more: object) -> Hostile:
    body = {"model": "lamas", "input": "What is 17 + 25?", **more}
    return Hostile(400, body, path="/v1/responses", parameter=parameter)


def said(content: object) -> dict[str, object]:
    return {**GOOD, "messages": [{"role": "user", "content": content}]}


HOSTILE = {
    "no JSON": Hostile(400, b"what is 17 + 25?"),
    "nothing": Hostile(400, b""),
    "half of a JSON": Hostile(400, b'{"model": "lamas", "messages": ['),
    "two JSONs": Hostile(400, json.dumps(GOOD).encode() * 2),
    "a list": Hostile(400, b"[]"),
    "a number": Hostile(400, b"7"),
    "NaN": Hostile(400, b'{"model": "lamas", "messages": [], "temperature": NaN}'),
    "nested 100,000 deep": Hostile(400, b'{"messages": ' + b"[" * 100_000),
    "an integer of 5,000 digits": Hostile(
        400, json.dumps(GOOD).encode()[:-1] + b', "seed": ' + b"9" * 5000 + b"}"
    ),
    "bytes that are no UTF-8": Hostile(400, b'{"model": "\xff\xfe"}'),
    "a huge body": Hostile(413, b" " * (4 * 2**20 + 1)),
    "a body that lies about its length": Hostile(
        413, b"{}", headers=(("content-length", "99999999999999999999999"),)
    ),
    "half a surrogate pair": Hostile(
        400, b'{"model": "lamas", "messages": [{"role": "user", "content": "\\ud800"}]}'
    ),
    "a NUL in a text": Hostile(400, said("what\0is"), parameter="messages"),
    "a NUL in a name": Hostile(400, b'{"model\\u0000": "lamas"}'),
    "no messages": chat(parameter="messages", messages=[]),
    "messages that are a text": chat(parameter="messages", messages="hello"),
    "a message that is a number": chat(parameter="messages[0]", messages=[7]),
    "a role of its own": chat(
        parameter="messages[0].role", messages=[{"role": "root", "content": "x"}]
    ),
    "a tool's message": chat(
        parameter="messages[0].role", messages=[{"role": "tool", "content": "x"}]
    ),
    "an empty question": Hostile(400, said("  "), parameter="messages[0]"),
    "an answer last": chat(
        parameter="messages[0]", messages=[{"role": "assistant", "content": "x"}]
    ),
    "a picture": Hostile(
        400,
        said([{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]),
        parameter="messages[0].content[0].type",
    ),
    "no model": Hostile(400, {"messages": [QUESTION]}, parameter="model"),
    "an unknown model": chat(404, "model", model="../../etc/passwd"),
    "an endless deadline": chat(400, "model", model="lamas@99999999s"),
    "tools": chat(parameter="tools", tools=[{"type": "function", "function": {"name": "x"}}]),
    "audio": chat(parameter="audio", audio={"voice": "x"}),
    "seven answers": chat(parameter="n", n=7),
    "a hot temperature": chat(parameter="temperature", temperature=1e300),
    "a text for a number": chat(parameter="max_tokens", max_tokens="many"),
    "true for a number": chat(parameter="max_tokens", max_tokens=True),
    "no tokens": chat(parameter="max_tokens", max_tokens=0),
    "a hundred stops": chat(parameter="stop", stop=["x"] * 100),
    "metadata of objects": chat(parameter="metadata.a", metadata={"a": {"b": 1}}),
    "an unknown field": chat(parameter="sudo", sudo=True),
    "a field of the class": chat(parameter="__class__", __class__="x"),
    "a foreign page": Hostile(403, headers=(("origin", "https://evil.example"),)),
    "a foreign page without an origin": Hostile(403, headers=(("sec-fetch-site", "cross-site"),)),
    "a rebound host": Hostile(421, headers=(("host", "evil.example"),)),
    "a host with a path": Hostile(421, headers=(("host", "127.0.0.1/x"),)),
    "a form": Hostile(415, headers=(("content-type", "text/plain"),)),
    "a packed body": Hostile(415, headers=(("content-encoding", "gzip"),)),
    "two lengths": Hostile(400, headers=(("transfer-encoding", "chunked"),)),
    "a path upwards": Hostile(404, path="/page.js/../../service.py", method="GET"),
    "an encoded path upwards": Hostile(404, path="/%2e%2e/%2e%2e/etc/passwd", method="GET"),
    "two slashes": Hostile(404, path="//v1/chat/completions"),
    "another method": Hostile(405, method="DELETE"),
    "a deadline that is none": Hostile(400, headers=(("x-lamas-deadline-ms", "-1"),)),
    "feedback of an unknown answer": Hostile(
        404, {"id": "chatcmpl-x", "score": 1}, path="/v1/feedback", parameter="id"
    ),
    "a response to nothing": response("input", input=[]),
    "a response to a picture": response(
        "input[0].content[0].type",
        input=[{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}],
    ),
    "a response to a call of a tool": response(
        "input[0].role", input=[{"type": "function_call_output", "call_id": "x", "output": "x"}]
    ),
    "a response with tools": response("tools", tools=[{"type": "web_search"}]),
    "a response that goes on": response("previous_response_id", previous_response_id="resp_1"),
    "a response in a form": response("text", text={"format": {"type": "json_object"}}),
    "feedback that says nothing": Hostile(
        400, {"id": "chatcmpl-x"}, path="/v1/feedback", parameter="score"
    ),
    "feedback beyond the scale": Hostile(
        400, {"id": "chatcmpl-x", "score": 2}, path="/v1/feedback", parameter="score"
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_request_is_refused_and_the_next_one_served(
    name: str, shared: Running, caplog: pytest.LogCaptureFixture
) -> None:
    one = HOSTILE[name]
    content = one.content if isinstance(one.content, bytes) else json.dumps(one.content).encode()
    headers = httpx.Headers({"content-type": "application/json", "authorization": SECRET})
    headers.update(dict(one.headers))
    with caplog.at_level(logging.DEBUG):
        response = await shared.client.request(
            one.method, one.path, content=content, headers=headers
        )
    assert response.status_code == one.status
    error = response.json()["error"]
    assert error["message"]
    assert "Traceback" not in response.text
    if one.parameter is not None:
        assert error["param"] == one.parameter
    assert SECRET not in caplog.text
    assert SECRET not in response.text
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert (await shared.client.get("/v1/models")).status_code == 200


async def test_a_slow_body_is_given_up_on(shared: Running) -> None:
    async def drip() -> AsyncGenerator[bytes]:
        yield b"{"
        raise TimeoutError

    response = await shared.client.post(
        CHAT, content=drip(), headers={"content-type": "application/json"}
    )
    assert response.status_code == 408


async def test_after_all_of_it_questions_are_answered(shared: Running) -> None:
    assert (await shared.ask()).status_code == 200
