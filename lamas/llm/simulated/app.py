"""The HTTP side of the simulated model: routes, pacing, faults."""

import asyncio
import json
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from typing import cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from lamas.errors import DomainError
from lamas.llm.simulated.model import Labels, Outcome, SimulatedModel
from lamas.llm.simulated.problems import SimulatedProblem
from lamas.llm.simulated.prose import tokens_in
from lamas.llm.simulated.protocol import (
    RefusedRequestError,
    error_body,
    fault_body,
    read_request,
)

_PREFIX = b"x-lamas-"
_JSON = (b"content-type", b"application/json")
_EVENTS = (b"content-type", b"text/event-stream; charset=utf-8")
_Headers = list[tuple[bytes, bytes]]


def build_app(model: SimulatedModel, time_scale: float) -> Starlette:
    """The application; `time_scale` real seconds pass for one simulated second."""
    completions = ChatCompletions(model, time_scale)
    other = OtherRoutes(model)
    return Starlette(
        routes=[
            Route("/v1/chat/completions", endpoint=completions, methods=["POST"]),
            Route("/v1/models", endpoint=other.models),
            Route("/v1/models/{name:path}", endpoint=other.model),
            Route("/health", endpoint=other.health),
            Route("/simulated/problems", endpoint=other.problems, methods=["POST"]),
            Route("/simulated/statistics", endpoint=other.statistics),
        ],
        exception_handlers={HTTPException: _refused},
    )


class ChatCompletions:
    """POST /v1/chat/completions, as a bare ASGI application: this is the hot path."""

    def __init__(self, model: SimulatedModel, time_scale: float) -> None:
        self._model = model
        self._time_scale = time_scale
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _body(receive)
        if body is None:
            return
        self._model.statistics["requests"] += 1
        try:
            request = read_request(body)
        except RefusedRequestError as refusal:
            self._model.statistics["refused"] += 1
            await _respond(send, refusal.status, json.dumps(refusal.body).encode(), [_JSON])
            return
        outcome = self._model.outcome(request, _labels(scope), int(time.time()))
        self._model.statistics[outcome.fault or "answered"] += 1
        with self._occupied() as slowdown:
            scale = self._time_scale * slowdown
            if outcome.fault == "hang":
                await self._hang(receive)
            elif outcome.fault in ("rate_limited", "server_error"):
                await self._fail(outcome, scale, send)
            elif request.stream:
                await self._stream(outcome, scale, send, include_usage=request.include_usage)
            else:
                await self._answer(outcome, scale, send)

    async def _answer(self, outcome: Outcome, scale: float, send: Send) -> None:
        await _pause(outcome.seconds * scale)
        body = outcome.completion.body()
        if outcome.fault == "malformed":
            body = body[: len(body) // 2]
        await _respond(send, 200, body, [_JSON, _timing(outcome)])

    async def _stream(
        self, outcome: Outcome, scale: float, send: Send, *, include_usage: bool
    ) -> None:
        chunk = self._model.profile.stream_chunk_tokens
        events = outcome.completion.events(chunk, include_usage)
        await _pause(outcome.pace.first_token_seconds * scale)
        if outcome.fault == "malformed":
            # The second event breaks off in the middle and the stream ends there.
            first, second = next(events)[1], next(events)[1]
            broken = first + second[: len(second) // 2] + b"\n\n"
            await _respond(send, 200, broken, [_EVENTS, _timing(outcome)])
            return
        if scale == 0.0:
            body = b"".join(data for _, data in events)
            await _respond(send, 200, body, [_EVENTS, _timing(outcome)])
            return
        await _start(send, 200, [_EVENTS, _timing(outcome)])
        # Choices are generated side by side, so each of several takes its share of the time.
        total = sum(tokens_in(choice.text) for choice in outcome.completion.choices)
        longest = max(tokens_in(choice.text) for choice in outcome.completion.choices)
        per_token = outcome.pace.seconds_per_token * scale * longest / max(total, 1)
        started = time.perf_counter()
        tokens = 0
        for new, data in events:
            tokens += new
            if new:
                await _pause(started + tokens * per_token - time.perf_counter())
            await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _fail(self, outcome: Outcome, scale: float, send: Send) -> None:
        if outcome.fault == "server_error":
            await _pause(outcome.pace.first_token_seconds * scale)
            await _respond(send, 500, json.dumps(fault_body(500)).encode(), [_JSON])
            return
        wait = self._model.profile.faults.retry_after_seconds * self._time_scale
        headers = [_JSON, (b"retry-after", f"{wait:g}".encode())]
        await _respond(send, 429, json.dumps(fault_body(429)).encode(), headers)

    async def _hang(self, receive: Receive) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._model.profile.faults.hang_seconds):
                while (await receive())["type"] != "http.disconnect":
                    pass

    @contextmanager
    def _occupied(self) -> Generator[float]:
        """Counts the request as in flight; gives the factor by which load slows it down."""
        self._in_flight += 1
        load = self._model.profile.latency.load
        factor = 1.0
        if load is not None:
            excess = max(0, self._in_flight - load.free_slots)
            factor += load.slowdown * excess / load.free_slots
        try:
            yield factor
        finally:
            self._in_flight -= 1


class OtherRoutes:
    """Everything but the completions."""

    def __init__(self, model: SimulatedModel) -> None:
        self._model = model
        self._card = {
            "id": model.profile.model,
            "object": "model",
            "created": 0,
            "owned_by": "simulated",
        }

    async def models(self, request: Request) -> JSONResponse:
        return JSONResponse({"object": "list", "data": [self._card]})

    async def model(self, request: Request) -> JSONResponse:
        name = str(request.path_params["name"])
        if name == self._card["id"]:
            return JSONResponse(self._card)
        message = f"The model '{name}' does not exist; there is '{self._card['id']}'."
        body = error_body(message, "invalid_request_error", "model", "model_not_found")
        return JSONResponse(body, status_code=404)

    async def health(self, request: Request) -> JSONResponse:
        return JSONResponse(
            {"status": "ok", "simulated": True, "problems": len(self._model.problems)}
        )

    async def statistics(self, request: Request) -> JSONResponse:
        return JSONResponse(dict(self._model.statistics))

    async def problems(self, request: Request) -> JSONResponse:
        """Learn the problems of a JSON list: all of them, or none when one is invalid."""
        try:
            given: object = json.loads(await request.body())
            problems = _problems(given)
        except (ValueError, DomainError) as error:
            return JSONResponse(error_body(str(error), "invalid_request_error"), status_code=400)
        for problem in problems:
            self._model.problems.add(problem)
        return JSONResponse({"added": len(problems), "problems": len(self._model.problems)})


def _problems(given: object) -> list[SimulatedProblem]:
    if not isinstance(given, list):
        raise DomainError("the body must be a JSON list of problems")
    entries = cast("list[object]", given)
    return [SimulatedProblem.parse(item, f"problem {i}") for i, item in enumerate(entries)]


async def _refused(request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = f"{request.method} {request.url.path} is not supported here."
    return JSONResponse(error_body(message, "invalid_request_error"), status_code=status)


def _labels(scope: Scope) -> Labels:
    headers = cast("_Headers", scope["headers"])
    given: Mapping[str, str] = {
        name[len(_PREFIX) :].decode("latin-1"): value.decode("utf-8", "replace")
        for name, value in headers
        if name.startswith(_PREFIX)
    }
    return Labels.of(given)


async def _body(receive: Receive) -> bytes | None:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(cast("bytes", message.get("body", b"")))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _pause(seconds: float) -> None:
    if seconds > 0.0:
        await asyncio.sleep(seconds)


def _timing(outcome: Outcome) -> tuple[bytes, bytes]:
    return (b"x-simulated-seconds", f"{outcome.seconds:.6f}".encode())


async def _start(send: Send, status: int, headers: _Headers) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _respond(send: Send, status: int, body: bytes, headers: _Headers) -> None:
    length = (b"content-length", str(len(body)).encode())
    await _start(send, status, [*headers, length])
    await send({"type": "http.response.body", "body": body})
