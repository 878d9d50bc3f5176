"""What one attempt has received so far, put together from chunks that may be anything."""

import json
from collections.abc import Sequence
from typing import TypeVar, cast

from openai.types.chat import ChatCompletionChunk

from lamas.domain import ChatMessage
from lamas.llm.tokens import estimate_input_tokens, estimate_output_tokens

T = TypeVar("T", int, str, list[object])


class MalformedReplyError(Exception):
    """The endpoint answered with something that is no chat completion."""


class Reply:
    """The answer to one attempt while it arrives."""

    def __init__(self) -> None:
        self.response_id: str | None = None
        self.response_model: str | None = None
        self.finish_reasons: tuple[str, ...] = ()
        self.first_chunk_seconds: float | None = None
        """From sending to the first text or, without any, to the end."""
        self._pieces: list[str] = []
        self._usage: tuple[int, int] | None = None

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def add_chunk(self, chunk: ChatCompletionChunk) -> bool:
        """Take one chunk in; True when it brought text or the end of the choice.

        The client builds chunks without checking them, so every field is checked here. Raises
        MalformedReplyError.
        """
        try:
            return self._add_chunk(chunk)
        except (AttributeError, TypeError, KeyError) as error:
            raise MalformedReplyError(f"a chunk is no chat completion chunk ({error})") from None

    def add_completion(self, body: object) -> None:
        """Take an answer in that came in one piece, as decoded JSON. Raises MalformedReplyError."""
        try:
            usage = _field(body, "usage", None)
            if usage is not None:
                self._count(_field(usage, "prompt_tokens"), _field(usage, "completion_tokens"))
            self._describe(_field(body, "id", None), _field(body, "model", None))
            choices = _field(body, "choices")
            choice = _checked(choices, list, "choices")[0]
            self._finish(_field(choice, "finish_reason"))
            content = _field(_field(choice, "message"), "content", None)
            self._pieces.append(_checked(content or "", str, "content"))
        except (TypeError, LookupError) as error:
            raise MalformedReplyError(f"the body is no chat completion ({error})") from None

    def add_body(self, body: bytes) -> None:
        """Take an answer in that came as JSON, unasked. Raises MalformedReplyError."""
        try:
            self.add_completion(json.loads(body))
        except ValueError as error:
            raise MalformedReplyError(f"the body is no JSON ({error})") from None

    def check_complete(self) -> None:
        """Raise MalformedReplyError unless the choice came to its end."""
        if not self.finish_reasons:
            got = f"after {len(self.text)} characters" if self._pieces else "without any choice"
            raise MalformedReplyError(f"the answer ended {got} and without a finish reason")

    def usage(self, messages: Sequence[ChatMessage]) -> tuple[int, int, bool]:
        """Input tokens, output tokens, and whether they are estimates.

        An attempt of which nothing arrived is taken to have used nothing.
        """
        if self._usage is not None:
            return (*self._usage, False)
        if not self._pieces and not self.finish_reasons:
            return (0, 0, False)
        return (estimate_input_tokens(messages), estimate_output_tokens(self.text), True)

    def _add_chunk(self, chunk: ChatCompletionChunk) -> bool:
        if chunk.usage is not None:
            self._count(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
        self._describe(chunk.id, chunk.model)
        brought = False
        for choice in chunk.choices:
            if choice.index != 0:
                continue
            # Some endpoints leave the delta out of the last chunk.
            content = choice.delta.content if choice.delta is not None else None  # pyright: ignore[reportUnnecessaryComparison]
            if content:
                self._pieces.append(_checked(content, str, "content"))
                brought = True
            if choice.finish_reason is not None:
                self._finish(choice.finish_reason)
                brought = True
        return brought

    def _describe(self, response_id: object, model: object) -> None:
        # Not every endpoint names both; what they are is nobody's business but the record's.
        self.response_id = self.response_id or (str(response_id) if response_id else None)
        self.response_model = self.response_model or (str(model) if model else None)

    def _count(self, input_tokens: object, output_tokens: object) -> None:
        self._usage = (
            _checked(input_tokens, int, "prompt_tokens"),
            _checked(output_tokens, int, "completion_tokens"),
        )

    def _finish(self, reason: object) -> None:
        self.finish_reasons = (_checked(reason, str, "finish_reason"),)


def _field(record: object, name: str, *default: object) -> object:
    """What a JSON object holds under `name`; TypeError for another value, KeyError for nothing."""
    if not isinstance(record, dict):
        raise TypeError(f"{str(record)[:40]!r} is no JSON object")
    fields = cast("dict[str, object]", record)
    return fields.get(name, *default) if default else fields[name]


def _checked(value: object, kind: type[T], name: str) -> T:
    if not isinstance(value, kind) or (isinstance(value, int) and value < 0):
        raise MalformedReplyError(f"{name} is {str(value)[:40]!r}")
    return value
