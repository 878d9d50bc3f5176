"""One request and its answer over HTTP: sent, read in whatever form it comes, checked."""

from collections.abc import Callable, Mapping

import httpx2
import openai

from lamas.errors import LamasError
from lamas.llm.answer_parts import ErrorAnswerError, MalformedReplyError
from lamas.llm.body_budget import allow, answer_bytes
from lamas.llm.reply import Reply

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
