"""An answer, and its form as a chat completion: whole, or as the events of a stream."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lamas.domain import Rollout
from lamas.gateway.refusal import RefusedError
from lamas.timing import label

PIECE_CHARACTERS = 48
"""Characters of one streamed piece."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An answer that is on record and ready to be sent."""

    request_id: str
    created: int
    """Seconds since the epoch."""
    model: str
    """As it was asked for."""
    text: str
    rollout: Rollout
    multiplier: float | None
    simulated: bool

    @property
    def finish_reason(self) -> str:
        """`length` where the text is that of a call which ran out of tokens."""
        said = self.rollout.answer
        for invocation in reversed(self.rollout.trace.invocations):
            for call in reversed(invocation.calls):
                if call.response_text == said and call.status == "ok":
                    return "length" if "length" in call.response_finish_reasons else "stop"
        return "stop"

    def pieces(self) -> Iterator[str]:
        """The text as it is streamed."""
        for start in range(0, len(self.text), PIECE_CHARACTERS):
            yield self.text[start : start + PIECE_CHARACTERS]

    def usage(self) -> dict[str, object]:
        """Tokens of every attempt of every call, on the critical path or not."""
        invocations = self.rollout.trace.invocations
        calls = [call for invocation in invocations for call in invocation.calls]
        given = sum(call.usage_input_tokens for call in calls)
        made = sum(call.usage_output_tokens for call in calls)
        return {
            "prompt_tokens": given,
            "completion_tokens": made,
            "total_tokens": given + made,
            "prompt_tokens_details": {
                "cached_tokens": sum(call.usage_cached_tokens for call in calls)
            },
        }

    def details(self) -> dict[str, object]:
        """What only this gateway has to say; a strict client ignores the field."""
        trace = self.rollout.trace
        return {
            "rollout_id": self.rollout.rollout_id,
            "checkpoint_id": self.rollout.plan.checkpoint_id,
            "graph": [list(layer) for layer in self.rollout.plan.graph.names],
            "critical_path": [item.operator for item in label(trace) if item.is_critical],
            "cp_len": self.rollout.cp_tokens,
            "virtual_seconds": self.rollout.virtual_seconds,
            "cost_usd": self.rollout.cost_usd,
            "calls": sum(len(invocation.calls) for invocation in trace.invocations),
            "layer_seconds": [
                max(item.ended_at for item in layer) - min(item.started_at for item in layer)
                for layer in trace.layers
            ],
            "seconds": self.rollout.makespan_seconds,
            "multiplier": self.multiplier,
            "simulated": self.simulated,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """A reply as a chat completion."""

    reply: Reply
    with_usage: bool = False
    """A stream of it ends with the usage."""

    def body(self) -> dict[str, object]:
        """The whole answer."""
        reply = self.reply
        message = {"role": "assistant", "content": reply.text, "refusal": None}
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": reply.finish_reason,
        }
        return {
            **self._opening("chat.completion"),
            "choices": [choice],
            "usage": reply.usage(),
            "lamas": reply.details(),
        }

    def events(self) -> Iterator[bytes]:
        """The same as server-sent events."""
        reply = self.reply
        yield self._chunk({"role": "assistant", "content": ""}, None)
        for piece in reply.pieces():
            yield self._chunk({"content": piece}, None)
        yield self._chunk({}, reply.finish_reason, lamas=reply.details())
        if self.with_usage:
            opening = self._opening("chat.completion.chunk")
            yield event({**opening, "choices": [], "usage": reply.usage()})
        yield DONE

    def _chunk(self, delta: Mapping[str, object], end: str | None, **more: object) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": end}
        return event({**self._opening("chat.completion.chunk"), "choices": [choice], **more})

    def _opening(self, kind: str) -> dict[str, object]:
        reply = self.reply
        return {
            "id": reply.request_id,
            "object": kind,
            "created": reply.created,
            "model": reply.model,
            "system_fingerprint": reply.rollout.plan.checkpoint_id,
        }


def broken_completion(error: RefusedError) -> Iterator[bytes]:
    """What a stream of a completion ends with that had begun."""
    yield event(error.body())
    yield DONE


DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": working\n\n"
"""A comment, which clients skip and proxies take for a sign of life."""


def event(content: Mapping[str, object]) -> bytes:
    """One server-sent event."""
    return b"data: " + encoded(content) + b"\n\n"


def encoded(content: object) -> bytes:
    """JSON in UTF-8."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
