"""How answers go over HTTP: JSON, errors, and a stream that stays alive until it has something."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from lamas.gateway.refusal import RefusedError
from lamas.gateway.replies import KEEP_ALIVE, encoded

HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def json_response(content: object, status: int = 200) -> Response:
    """`content` as JSON."""
    return Response(encoded(content), status, HEADERS, media_type="application/json")


def refusal_response(error: RefusedError) -> Response:
    """A refusal in OpenAI's form."""
    return Response(
        encoded(error.body()),
        error.status,
        {**HEADERS, **error.headers()},
        media_type="application/json",
    )


class Sendable(Protocol):
    """An answer in the form of one of the APIs."""

    def body(self) -> dict[str, object]:
        """The whole of it."""
        ...

    def events(self) -> Iterator[bytes]:
        """The same as server-sent events."""
        ...


class AnswerResponse(Response):
    """Runs what answers a request, and cancels it when the client leaves.

    A whole answer is sent when it is there. A streamed one begins after `patience_seconds` at the
    latest, with comments from then on; what fails before is a proper error, what fails later an
    event.
    """

    def __init__(
        self,
        work: Callable[[], Awaitable[Sendable]],
        *,
        streamed: bool,
        broken: Callable[[RefusedError], Iterable[bytes]],
        patience_seconds: float,
        refused: Callable[[RefusedError], None],
    ) -> None:
        """`broken`: what a stream ends with that had begun; `refused` hears of every refusal."""
        super().__init__()
        self._work = work
        self._streamed = streamed
        self._broken = broken
        self._patience = patience_seconds
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        working = asyncio.ensure_future(self._work())
        leaving = asyncio.ensure_future(_left(receive))
        try:
            if self._streamed:
                await self._stream(working, leaving, scope, receive, send)
            else:
                await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
                if working.done():
                    await self._whole(working, scope, receive, send)
        finally:
            leaving.cancel()
            working.cancel()
            with suppress(asyncio.CancelledError, RefusedError):
                await working

    async def _whole(
        self, working: "asyncio.Future[Sendable]", scope: Scope, receive: Receive, send: Send
    ) -> None:
        try:
            response = json_response(working.result().body())
        except RefusedError as error:
            self._refused(error)
            response = refusal_response(error)
        await response(scope, receive, send)

    async def _stream(
        self,
        working: "asyncio.Future[Sendable]",
        leaving: "asyncio.Future[None]",
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        await self._wait(working, leaving)
        if working.done() and working.exception() is not None:
            await self._whole(working, scope, receive, send)
            return
        headers = {**HEADERS, "content-type": "text/event-stream; charset=utf-8"}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        while not working.done() and not leaving.done():
            await send({"type": "http.response.body", "body": KEEP_ALIVE, "more_body": True})
            await self._wait(working, leaving)
        if not working.done():
            return
        for piece in self._events(working):
            if leaving.done():
                return
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _wait(
        self, working: "asyncio.Future[Sendable]", leaving: "asyncio.Future[None]"
    ) -> None:
        await asyncio.wait(
            {working, leaving}, timeout=self._patience, return_when=asyncio.FIRST_COMPLETED
        )

    def _events(self, working: "asyncio.Future[Sendable]") -> Iterator[bytes]:
        try:
            reply = working.result()
        except RefusedError as error:
            self._refused(error)
            yield from self._broken(error)
            return
        yield from reply.events()


async def _left(receive: Receive) -> None:
    """Ends when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
