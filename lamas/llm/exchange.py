"""One request and its answer over HTTP: sent, read in whatever form it comes, checked."""

import asyncio
from collections.abc import Callable, Mapping

import httpx2
import openai

from lamas.errors import LamasError
from lamas.llm.answer_parts import ErrorAnswerError, MalformedReplyError
from lamas.llm.body_budget import allow, answer_bytes
from lamas.llm.chat import ChatRequest
from lamas.llm.failures import ReplyTimeoutError
from lamas.llm.reply import Reply
from lamas.llm.request_body import label_headers, request_body
from lamas.llm.settings import EndpointSettings

_KNOWN = (
    LamasError,
    ErrorAnswerError,
    MalformedReplyError,
    TimeoutError,
    openai.OpenAIError,
    httpx2.HTTPError,
)
"""What reading an answer may raise as it is."""


async def ask(
    client: openai.AsyncOpenAI,
    *,
    body: dict[str, object],
    headers: Mapping[str, str],
    max_tokens: int,
    reply: Reply,
    arrived: Callable[[], bool],
) -> None:
    """Send `body` and put what comes back into `reply`.

    `arrived` is called once for each piece of the answer; where it says True, the rest is left.
    Raises what `failure_of` knows, whatever the endpoint sends.
    """
    # The client's own route for bodies it need not build or check: half the CPU of `create`, which
    # counts where an endpoint answers at once. `Reply` checks what comes back.
    stream = await client.post(
        "/chat/completions",
        cast_to=object,
        body=body,
        options={"headers": dict(headers)},
        stream=True,
        stream_cls=openai.AsyncStream[object],
    )
    async with stream:
        allow(stream.response, answer_bytes(max_tokens))
        try:
            await _read(stream, reply, arrived)
        except _KNOWN:
            raise
        except Exception as error:
            # Numbers of thousands of digits, nesting without end, whatever comes next.
            raise MalformedReplyError(
                f"the answer cannot be read ({type(error).__name__}: {error})"
            ) from None


async def ask_in_time(
    client: openai.AsyncOpenAI,
    settings: EndpointSettings,
    request: ChatRequest,
    *,
    label: str,
    reply: Reply,
    seconds: Callable[[], float],
    asks_for_usage: bool,
) -> None:
    """As `ask`, within the time limits of `settings` and no further than the answer's own end.

    `label` is which attempt it is, `seconds` how long ago it was sent; ReplyTimeoutError too.
    """
    total = settings.total_timeout_seconds
    first = min(settings.first_chunk_timeout_seconds, total) if settings.stream else total
    begun = asyncio.get_running_loop().time()

    def arrived() -> bool:
        if settings.stream and reply.first_chunk_seconds is None:
            reply.first_chunk_seconds = seconds()
            deadline.reschedule(begun + total)
        return request.ends_at is not None and reply.end_at(request.ends_at)

    try:
        async with asyncio.timeout_at(begun + first) as deadline:
            await ask(
                client,
                body=request_body(settings, request, asks_for_usage=asks_for_usage),
                headers=label_headers(settings, request, label),
                max_tokens=request.max_tokens,
                reply=reply,
                arrived=arrived,
            )
    except TimeoutError:
        limit, what = (total, "end") if reply.began else (first, "text")
        raise ReplyTimeoutError(f"no {what} of the answer within {limit:g} s") from None


async def _read(
    stream: openai.AsyncStream[object], reply: Reply, arrived: Callable[[], bool]
) -> None:
    if "event-stream" not in stream.response.headers.get("content-type", ""):
        # The endpoint does not stream, whether it was asked to or not.
        reply.add_body(await stream.response.aread())
    else:
        async for chunk in stream:
            if reply.add_chunk(chunk) and arrived():
                return
    reply.check_complete()
