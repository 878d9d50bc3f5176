"""How a request and what came back of it become the record of one attempt."""

from dataclasses import replace

from lamas.domain import ModelCall
from lamas.llm.chat import ChatRequest
from lamas.llm.failures import without_key
from lamas.llm.reply import Reply
from lamas.llm.settings import EndpointSettings
from lamas.llm.usage import TokenUsage


def sample(settings: EndpointSettings, request: ChatRequest) -> list[object]:
    """Everything that determines an answer, besides who asks for it."""
    return [
        settings.model,
        settings.identity,
        [[message.role, message.content] for message in request.messages],
        float(request.temperature),
        request.max_tokens,
        dict(settings.extra_body),
        request.seed,
        *([list(settings.omit)] if settings.omit else []),
        *([{"stop": list(request.stop)}] if request.stop else []),
        *([{"ends_at": request.ends_at}] if request.ends_at else []),
    ]


def blank_call(settings: EndpointSettings, request: ChatRequest, call_id: str) -> ModelCall:
    """The record of an attempt before it begins."""
    return ModelCall(
        call_id=call_id,
        attempt=1,
        request_model=settings.model,
        request_temperature=request.temperature,
        request_max_tokens=request.max_tokens,
        request_seed=request.seed,
        request_messages=request.messages,
        started_at=0.0,
        ended_at=0.0,
        status="error",
    )


def unsent(blank: ModelCall, number: int, reason: str, now: float) -> ModelCall:
    """The record of attempt `number` that was cancelled before it was sent, at time `now`."""
    return replace(
        blank,
        attempt=number,
        started_at=now,
        ended_at=now,
        status="cancelled",
        error=reason,
    )


def ended_call(
    blank: ModelCall,
    reply: Reply,
    usage: TokenUsage,
    *,
    error: str | None,
    started_at: float,
    ended_at: float,
    cost_usd: float,
    key: str,
) -> ModelCall:
    """The record of an attempt that ended, with `error` if it failed; without `key` in it."""
    text = reply.text
    return replace(
        blank,
        response_id=reply.response_id and without_key(reply.response_id, key),
        response_model=reply.response_model and without_key(reply.response_model, key),
        response_text=without_key(text, key) if error is None or text else None,
        response_finish_reasons=tuple(without_key(reason, key) for reason in reply.finish_reasons),
        usage_input_tokens=usage.input,
        usage_output_tokens=usage.output,
        usage_cached_tokens=usage.cached,
        usage_estimated=usage.estimated,
        started_at=started_at,
        ended_at=ended_at,
        time_to_first_chunk_seconds=reply.first_chunk_seconds,
        cost_usd=cost_usd,
        status="ok" if error is None else "error",
        error=error,
        remarks=(*usage.remarks, *(reply.remarks() if error is None else ())),
    )
