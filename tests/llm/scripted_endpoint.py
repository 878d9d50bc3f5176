"""A real HTTP server on loopback that answers exactly as a test says."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

Answer = Callable[[dict[str, object]], Awaitable[Response]]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One request that arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, object]
    at: float
    """Monotonic seconds."""


@dataclass
class Script:
    """What the endpoint answers, in order; the last answer repeats."""

    chats: list[Answer]
    models: list[Answer] = field(default_factory=list[Answer])
    seen: list[Seen] = field(default_factory=list[Seen])

    @property
    def chats_seen(self) -> list[Seen]:
        return [seen for seen in self.seen if seen.path.endswith("/chat/completions")]


class ScriptedEndpoint:
    """Serves a script from a thread with its own event loop; `base_url` ends in `/v1`."""

    def __init__(self, *chats: Answer, models: Answer | None = None, port: int = 0) -> None:
        self.script = Script(chats=list(chats) or [says("ok")])
        self.script.models = [models or lists("tiny")]
        self.asked = threading.Event()
        """Set once the first chat completion was asked for."""
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port = int(self._socket.getsockname()[1])
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        app = Starlette(
            routes=[
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/v1/models", self._models),
            ]
        )
        config = uvicorn.Config(
            app, log_level="error", timeout_graceful_shutdown=1, lifespan="off", ws="none"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), daemon=True
        )

    def __enter__(self) -> "ScriptedEndpoint":
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(timeout=10)

    async def _chat(self, request: Request) -> Response:
        body = cast("dict[str, object]", await request.json())
        return await self._next(self.script.chats, request, body)

    async def _models(self, request: Request) -> Response:
        return await self._next(self.script.models, request, {})

    async def _next(
        self, answers: list[Answer], request: Request, body: dict[str, object]
    ) -> Response:
        self.script.seen.append(
            Seen(
                path=request.url.path,
                headers=dict(request.headers),
                body=body,
                at=time.monotonic(),
            )
        )
        if answers is self.script.chats:
            self.asked.set()
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return await answer(body)


def says(
    text: str, *, usage: tuple[int, int] | None = (10, 5), after: float = 0.0, pause: float = 0.0
) -> Answer:
    """A good answer: one chunk a word, `after` s before the first and `pause` s before each."""

    async def answer(body: dict[str, object]) -> Response:
        if not body.get("stream"):
            await asyncio.sleep(after)
            return JSONResponse(_completion(text, usage))
        asked = cast("dict[str, object]", body.get("stream_options") or {})
        chunks = _chunks(text, usage if asked.get("include_usage") else None)
        return StreamingResponse(_events(chunks, after, pause), media_type="text/event-stream")

    return answer


def fails(
    status: int,
    message: str = "no",
    *,
    headers: dict[str, str] | None = None,
    code: str | None = None,
) -> Answer:
    """An error in OpenAI's form."""

    async def answer(_: dict[str, object]) -> Response:
        error = {"message": message, "type": "test", "code": code}
        return JSONResponse({"error": error}, status_code=status, headers=headers)

    return answer


def sends(
    content: str | bytes,
    media_type: str = "text/event-stream",
    *,
    headers: dict[str, str] | None = None,
    status: int = 200,
) -> Answer:
    """This body, whatever it is."""

    async def answer(_: dict[str, object]) -> Response:
        return Response(content, media_type=media_type, headers=headers, status_code=status)

    return answer


def sends_json(body: object) -> Answer:
    """This body, as JSON, whether a stream was asked for or not."""
    return sends(json.dumps(body), "application/json")


def pours(
    piece: bytes,
    media_type: str = "text/event-stream",
    *,
    times: int | None = None,
    pause: float = 0.0,
    headers: dict[str, str] | None = None,
    status: int = 200,
) -> Answer:
    """This piece again and again, for ever or `times`; a promised length is not kept then."""

    async def send() -> AsyncIterator[bytes]:
        sent = 0
        while times is None or sent < times:
            yield piece
            sent += 1
            await asyncio.sleep(pause)

    async def answer(_: dict[str, object]) -> Response:
        return StreamingResponse(send(), media_type=media_type, headers=headers, status_code=status)

    return answer


def breaks_off(content: str, media_type: str = "application/json") -> Answer:
    """The beginning of a longer body, and then the connection is gone."""
    promised = {"content-length": str(len(content) + 1000)}
    return pours(content.encode(), media_type, times=1, headers=promised)


def streams(*events: str, pause: float = 0.0) -> Answer:
    """These events one by one; the stream ends after them."""

    async def send() -> AsyncIterator[str]:
        for event in events:
            yield f"data: {event}\n\n"
            await asyncio.sleep(pause)

    async def answer(_: dict[str, object]) -> Response:
        return StreamingResponse(send(), media_type="text/event-stream")

    return answer


def hangs(seconds: float = 30.0) -> Answer:
    """No answer for so long."""

    async def answer(_: dict[str, object]) -> Response:
        await asyncio.sleep(seconds)
        return Response(status_code=500)

    return answer


def lists(*names: str) -> Answer:
    """`/models` with these names."""

    async def answer(_: dict[str, object]) -> Response:
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "t"} for name in names]
        return JSONResponse({"object": "list", "data": data})

    return answer


def chunk(text: str | None = None, finish: str | None = None) -> str:
    """One chunk as JSON."""
    delta = {} if text is None else {"content": text}
    return json.dumps(
        {
            "id": "c1",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "tiny-2",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
    )


def choice_chunk(delta: object, finish: object = None, **fields: object) -> str:
    """One chunk with this delta and whatever else is given, as JSON."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return json.dumps({"id": "c1", "model": "tiny-2", "choices": [choice], **fields})


def completion(
    message: object, finish: object = "stop", *, usage: object = None, **fields: object
) -> dict[str, object]:
    """A whole answer with this message."""
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {"id": "c1", "model": "tiny-2", "choices": [choice], "usage": usage, **fields}


def _chunks(text: str, usage: tuple[int, int] | None) -> list[str]:
    words = text.split(" ")
    pieces = [word if not place else f" {word}" for place, word in enumerate(words)]
    chunks = [chunk(""), *(chunk(piece) for piece in pieces), chunk(None, "stop")]
    if usage is not None:
        last: dict[str, object] = {
            "id": "c1",
            "model": "tiny-2",
            "choices": [],
            "usage": _usage(usage),
        }
        chunks.append(json.dumps(last))
    return [*chunks, "[DONE]"]


async def _events(chunks: list[str], after: float, pause: float) -> AsyncIterator[str]:
    await asyncio.sleep(after)
    for piece in chunks:
        yield f"data: {piece}\n\n"
        if pause:
            await asyncio.sleep(pause)


def _completion(text: str, usage: tuple[int, int] | None) -> dict[str, object]:
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 0,
        "model": "tiny-2",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop",
            }
        ],
        "usage": None if usage is None else _usage(usage),
    }


def _usage(usage: tuple[int, int]) -> dict[str, int]:
    return {
        "prompt_tokens": usage[0],
        "completion_tokens": usage[1],
        "total_tokens": sum(usage),
    }
