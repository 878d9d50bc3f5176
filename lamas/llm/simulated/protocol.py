"""The OpenAI chat completions protocol: reading requests, writing responses, events and errors."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from lamas.llm.simulated.prose import CHARACTERS_PER_TOKEN, tokens_in

MAX_CHOICES = 128
DEFAULT_MAX_TOKENS = 16_384
_TOKENS_PER_MESSAGE = 4
_ROLES = ("system", "developer", "user", "assistant", "tool")
_UNSUPPORTED = ("tools", "functions", "logprobs", "audio", "logit_bias")
_ERROR_TYPES = {429: "requests", 500: "server_error"}


class RefusedRequestError(Exception):
    """A request that the API answers with 4xx; carries what the error body says."""

    def __init__(self, message: str, param: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.body = error_body(message, "invalid_request_error", param)


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """A checked request."""

    messages: tuple[str, ...]
    temperature: float
    max_tokens: int
    choices: int
    seed: int | None
    stream: bool
    include_usage: bool
    stop: tuple[str, ...] = ()

    @property
    def input_tokens(self) -> int:
        return sum(tokens_in(message) + _TOKENS_PER_MESSAGE for message in self.messages)


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer, cut before the first of the stops and at max_tokens."""

    text: str
    finish_reason: str

    @classmethod
    def cut(cls, text: str, max_tokens: int, stop: Sequence[str] = ()) -> "Choice":
        text = text[: min([len(text), *(text.find(item) for item in stop if item in text)])]
        if tokens_in(text) <= max_tokens:
            return cls(text, "stop")
        return cls(text[: max_tokens * CHARACTERS_PER_TOKEN], "length")


@dataclass(frozen=True, slots=True)
class Completion:
    """One whole response."""

    response_id: str
    model: str
    created: int
    """Seconds since the epoch."""
    input_tokens: int
    choices: tuple[Choice, ...]

    @property
    def output_tokens(self) -> int:
        return sum(tokens_in(choice.text) for choice in self.choices)

    def usage(self) -> dict[str, int]:
        output = self.output_tokens
        return {
            "prompt_tokens": self.input_tokens,
            "completion_tokens": output,
            "total_tokens": self.input_tokens + output,
        }

    def body(self) -> bytes:
        """The non-streaming response."""
        content = self._head("chat.completion")
        content["choices"] = [
            {
                "index": index,
                "message": {"role": "assistant", "content": choice.text, "refusal": None},
                "logprobs": None,
                "finish_reason": choice.finish_reason,
            }
            for index, choice in enumerate(self.choices)
        ]
        content["usage"] = self.usage()
        return json.dumps(content, separators=(",", ":")).encode()

    def events(self, chunk_tokens: int, include_usage: bool) -> Iterator[tuple[int, bytes]]:
        """The streaming response: pairs of tokens generated since the pair before, and bytes."""
        size = chunk_tokens * CHARACTERS_PER_TOKEN
        for index, choice in enumerate(self.choices):
            yield 0, self._event(index, {"role": "assistant", "content": ""})
            for start in range(0, len(choice.text), size):
                piece = choice.text[start : start + size]
                yield tokens_in(piece), self._event(index, {"content": piece})
            yield 0, self._event(index, {}, choice.finish_reason)
        if include_usage:
            yield 0, _sse({**self._chunk([]), "usage": self.usage()})
        yield 0, b"data: [DONE]\n\n"

    def _event(self, index: int, delta: Mapping[str, str], finish: str | None = None) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _sse(self._chunk([choice]))

    def _chunk(self, choices: list[Mapping[str, object]]) -> dict[str, object]:
        return {**self._head("chat.completion.chunk"), "choices": choices}

    def _head(self, kind: str) -> dict[str, object]:
        return {
            "id": self.response_id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": "simulated",
        }


def read_request(body: bytes) -> CompletionRequest:
    """Check a request body; RefusedRequestError in the API's words when it is not acceptable."""
    try:
        parsed: object = json.loads(body)
    except ValueError as error:
        raise RefusedRequestError(f"We could not parse the JSON body: {error}") from error
    if not isinstance(parsed, dict):
        raise RefusedRequestError("The body must be a JSON object.")
    content = cast("Mapping[str, object]", parsed)
    if not isinstance(content.get("model"), str) or not content["model"]:
        raise _refusal("model", "you must provide a model name")
    for name in _UNSUPPORTED:
        if content.get(name):
            raise _refusal(name, "the simulated endpoint does not support it")
    stream = content.get("stream") or False
    options = content.get("stream_options")
    if options is not None and not stream:
        raise _refusal("stream_options", "only allowed when 'stream' is true")
    include = isinstance(options, dict) and bool(
        cast("Mapping[str, object]", options).get("include_usage")
    )
    limit = content.get("max_completion_tokens")
    name = "max_tokens" if limit is None else "max_completion_tokens"
    seed = content.get("seed")
    return CompletionRequest(
        messages=_messages(content.get("messages")),
        temperature=_number(content, "temperature", 1.0, 0.0, 2.0),
        max_tokens=_integer(content, name, DEFAULT_MAX_TOKENS, 1, 10**9),
        choices=_integer(content, "n", 1, 1, MAX_CHOICES),
        seed=None if seed is None else _integer(content, "seed", 0, -(2**63), 2**63 - 1),
        stream=bool(stream),
        include_usage=include,
        stop=_stops(content.get("stop")),
    )


def _stops(value: object) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else value or []
    items = cast("Sequence[object]", given) if isinstance(given, list) else (None,)
    texts = tuple(item for item in items if isinstance(item, str) and item)
    if len(texts) != len(items):
        raise _refusal("stop", "it must be a text or a list of texts")
    return texts


def error_body(
    message: str, kind: str, param: str | None = None, code: str | None = None
) -> dict[str, object]:
    """An error in the API's shape."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def fault_body(status: int) -> dict[str, object]:
    """The body of an injected 429 or 500."""
    if status == 429:
        message = "Rate limit reached for requests (injected by the simulated endpoint)."
        return error_body(message, _ERROR_TYPES[status], code="rate_limit_exceeded")
    message = "The server had an error while processing your request (injected)."
    return error_body(message, _ERROR_TYPES.get(status, "server_error"))


def _messages(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise _refusal("messages", "expected a non-empty list")
    return tuple(
        _message(item, index) for index, item in enumerate(cast("Sequence[object]", value))
    )


def _message(value: object, index: int) -> str:
    place = f"messages[{index}]"
    if not isinstance(value, dict):
        raise _refusal(place, "expected an object")
    message = cast("Mapping[str, object]", value)
    if message.get("role") not in _ROLES:
        raise _refusal(f"{place}.role", f"expected one of {', '.join(_ROLES)}")
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(_parts(cast("Iterable[object]", content), place))
    raise _refusal(f"{place}.content", "expected a string or a list of text parts")


def _parts(parts: Iterable[object], place: str) -> Iterator[str]:
    for part in parts:
        text = cast("Mapping[str, object]", part).get("text") if isinstance(part, dict) else None
        if not isinstance(text, str):
            raise _refusal(f"{place}.content", "the simulated endpoint reads text parts only")
        yield text


def _integer(content: Mapping[str, object], name: str, default: int, low: int, high: int) -> int:
    value = content.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _refusal(name, f"expected an integer from {low} to {high}, got {value!r}")
    return value


def _number(
    content: Mapping[str, object], name: str, default: float, low: float, high: float
) -> float:
    value = content.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise _refusal(name, f"expected a number from {low} to {high}, got {value!r}")
    return float(value)


def _refusal(param: str, rule: str) -> RefusedRequestError:
    return RefusedRequestError(f"Invalid value for '{param}': {rule}.", param)


def _sse(content: Mapping[str, object]) -> bytes:
    return b"data: " + json.dumps(content, separators=(",", ":")).encode() + b"\n\n"
