"""OpenAI's Responses API as far as text goes: what may be sent, and the form of an answer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from lamas.gateway.bodies import (
    MOST_MESSAGES,
    ChatBody,
    Message,
    Metadata,
    Name,
    Part,
    Text,
    Wishes,
    checked,
    object_of,
    without_neutral,
)
from lamas.gateway.refusal import RefusedError
from lamas.gateway.replies import Reply, encoded

NEUTRAL: Mapping[str, Sequence[object]] = {
    "background": (False,),
    "context_management": (),
    "conversation": (),
    # What a model thought, in a form to be sent back: there is none.
    "include": ([], ["reasoning.encrypted_content"]),
    "max_tool_calls": (),
    "moderation": (),
    "parallel_tool_calls": (True, False),
    "previous_response_id": (),
    "prompt": (),
    "prompt_cache_key": (),
    "prompt_cache_retention": (),
    "reasoning": ({},),
    "safety_identifier": (),
    "service_tier": ("auto", "default"),
    "store": (False, True),
    "stream_options": ({"include_obfuscation": False},),
    "text": ({"format": {"type": "text"}},),
    "tool_choice": ("none", "auto"),
    "tools": ([],),
    "top_logprobs": (0,),
    "top_p": (1,),
    "truncation": ("disabled", "auto"),
}
"""Parameters of the API that change nothing here: the values at which they may be sent."""
IGNORED = frozenset({"prompt_cache_key", "prompt_cache_retention", "safety_identifier"})


class InputText(Part):
    """A piece of a message's content."""

    type: Literal["input_text", "output_text"]
    text: Text
    annotations: list[object] | None = None
    logprobs: list[object] | None = None


class InputMessage(Part):
    """One message of the input; what an earlier answer gave may be sent back as it was."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Text | list[InputText]
    type: Literal["message"] = "message"
    id: Name | None = None
    status: Name | None = None
    phase: Name | None = None

    @property
    def text(self) -> str:
        """All of its text."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content)


class ResponsesBody(Part):
    """The body of a request for a response, with what is honoured of it."""

    model: Name
    input: Text | Annotated[list[InputMessage], Field(min_length=1, max_length=MOST_MESSAGES - 1)]
    instructions: Text | None = None
    stream: bool | None = None
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    max_output_tokens: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    user: Annotated[str, Field(max_length=1000)] | None = None
    metadata: Metadata | None = None
    lamas: Wishes | None = None


def responses_body(content: bytes) -> ResponsesBody:
    """RefusedError (400) for anything else, and for what is more than text."""
    return checked(without_neutral(object_of(content), NEUTRAL, IGNORED), ResponsesBody)


def chat_body_of(asked: ResponsesBody) -> ChatBody:
    """The same question as a chat completion."""
    given = (
        [Message(role="user", content=asked.input)]
        if isinstance(asked.input, str)
        else [Message(role=item.role, content=item.text) for item in asked.input]
    )
    opening = asked.instructions
    first = [Message(role="system", content=opening)] if opening else []
    return ChatBody(
        model=asked.model,
        messages=[*first, *given],
        stream=asked.stream,
        temperature=asked.temperature,
        max_tokens=asked.max_output_tokens,
        user=asked.user,
        metadata=asked.metadata,
        lamas=asked.lamas,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class ResponseObject:
    """A reply as a response; its id is the one that feedback names."""

    reply: Reply
    asked: ResponsesBody

    def body(self) -> dict[str, object]:
        """The whole answer."""
        whole = self.reply.finish_reason == "stop"
        return {
            **self._opening("completed" if whole else "incomplete"),
            "incomplete_details": None if whole else {"reason": "max_output_tokens"},
            "output": [self._message("completed" if whole else "incomplete")],
            "usage": self._usage(),
            "lamas": self.reply.details(),
        }

    def events(self) -> Iterator[bytes]:
        """The same as server-sent events."""
        for number, (kind, content) in enumerate(self._events()):
            yield _event({"type": kind, "sequence_number": number, **content})

    def _events(self) -> Iterator[tuple[str, dict[str, object]]]:
        nothing: list[object] = []
        begun = {**self._opening("in_progress"), "output": nothing, "usage": None}
        yield "response.created", {"response": begun}
        yield "response.in_progress", {"response": begun}
        item = {**self._message("in_progress"), "content": nothing}
        yield "response.output_item.added", {"output_index": 0, "item": item}
        place: dict[str, object] = {
            "item_id": item["id"],
            "output_index": 0,
            "content_index": 0,
        }
        yield "response.content_part.added", {**place, "part": _part("")}
        for piece in self.reply.pieces():
            yield "response.output_text.delta", {**place, "delta": piece, "logprobs": []}
        text = self.reply.text
        yield "response.output_text.done", {**place, "text": text, "logprobs": []}
        yield "response.content_part.done", {**place, "part": _part(text)}
        body = self.body()
        done = self._message(str(body["status"]))
        yield "response.output_item.done", {"output_index": 0, "item": done}
        yield f"response.{body['status']}", {"response": body}

    def _opening(self, status: str) -> dict[str, object]:
        asked = self.asked
        return {
            "id": self.reply.request_id,
            "object": "response",
            "created_at": self.reply.created,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": asked.instructions,
            "max_output_tokens": asked.max_output_tokens,
            "metadata": asked.metadata or {},
            "model": self.reply.model,
            "parallel_tool_calls": False,
            "previous_response_id": None,
            "store": False,
            "temperature": asked.temperature,
            "text": {"format": {"type": "text"}},
            "tool_choice": "none",
            "tools": [],
            "top_p": None,
            "truncation": "disabled",
            "user": asked.user,
        }

    def _message(self, status: str) -> dict[str, object]:
        return {
            "type": "message",
            "id": f"msg_{self.reply.rollout.rollout_id}",
            "status": status,
            "role": "assistant",
            "content": [_part(self.reply.text)],
        }

    def _usage(self) -> dict[str, object]:
        usage = self.reply.usage()
        return {
            "input_tokens": usage["prompt_tokens"],
            "input_tokens_details": usage["prompt_tokens_details"],
            "output_tokens": usage["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": usage["total_tokens"],
        }


def broken_response(error: RefusedError) -> Iterator[bytes]:
    """What a stream of a response ends with that had begun."""
    yield _event(
        {
            "type": "error",
            "sequence_number": 0,
            "code": error.code or error.kind,
            "message": str(error),
            "param": error.parameter,
        }
    )


def _part(text: str) -> dict[str, object]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _event(content: Mapping[str, object]) -> bytes:
    kind = str(content["type"]).encode()
    return b"event: " + kind + b"\ndata: " + encoded(content) + b"\n\n"
