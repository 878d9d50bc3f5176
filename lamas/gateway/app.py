"""The addresses of a gateway: answers, models, feedback, health, metrics, its page."""

import logging
import math
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from lamas.controller.named_points import POINT_NAMES
from lamas.gateway.bodies import chat_body, feedback_body
from lamas.gateway.guard import Bounds, Guard, body_of
from lamas.gateway.keys import Client, Keys
from lamas.gateway.names import CHAMPION
from lamas.gateway.openai_responses import (
    ResponseObject,
    broken_response,
    chat_body_of,
    responses_body,
)
from lamas.gateway.refusal import RefusedError
from lamas.gateway.replies import Completion, broken_completion
from lamas.gateway.responses import AnswerResponse, Sendable, json_response, refusal_response
from lamas.gateway.service import Service

_LOGGER = logging.getLogger(__name__)
_PAGE = Path(__file__).parent / "page"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:"
)
_DEADLINE_HEADER = "x-lamas-deadline-ms"
_NUMBER = re.compile(r"\d{1,9}(\.\d{1,6})?")

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, kw_only=True)
class Front:
    """What the outside of a gateway is made of."""

    service: Service
    keys: Keys
    bounds: Bounds
    patience_seconds: float = 10.0
    """A stream that has nothing to say sends a comment so often."""
    ready: Callable[[], str | None] = field(default=lambda: None)
    """Why it cannot answer at the moment; None while it can."""


def gateway_app(front: Front) -> ASGIApp:
    """The application, behind its guard."""
    outside = _Outside(front)
    # A path is what it is: nothing is redirected to where a slash is missing.
    app = Starlette(
        routes=[
            outside.route("/v1/chat/completions", outside.chat, "POST"),
            outside.route("/v1/responses", outside.responses, "POST"),
            outside.route("/v1/feedback", outside.feedback, "POST"),
            outside.route("/v1/models", outside.models, "GET"),
            outside.route("/v1/models/{name:path}", outside.model, "GET"),
            outside.route("/healthz", outside.live, "GET"),
            outside.route("/healthz/live", outside.live, "GET"),
            outside.route("/healthz/ready", outside.ready, "GET"),
            outside.route("/metrics", outside.metrics, "GET"),
            outside.route("/live/figures", outside.figures, "GET"),
            outside.route("/", partial(outside.page, "page.html", "text/html"), "GET"),
            outside.route("/page.js", partial(outside.page, "page.js", "text/javascript"), "GET"),
            outside.route("/page.css", partial(outside.page, "page.css", "text/css"), "GET"),
        ],
        exception_handlers={HTTPException: outside.no_such_address},
    )
    app.router.redirect_slashes = False
    return Guard(app, front.bounds)


class _Outside:
    def __init__(self, front: Front) -> None:
        self._front = front
        self._service = front.service

    def route(self, path: str, handle: Handler, method: str) -> Route:
        """A route whose refusals and accidents are answered in OpenAI's form."""

        async def safely(request: Request) -> Response:
            try:
                return await handle(request)
            except RefusedError as error:
                self._refused(error)
                return refusal_response(error)
            except Exception:
                _LOGGER.exception("%s %s failed", request.method, path)
                error = RefusedError(
                    "the gateway failed: its log says why", status=500, kind="server_error"
                )
                self._refused(error)
                return refusal_response(error)

        return Route(path, safely, methods=[method], name=path)

    async def chat(self, request: Request) -> Response:
        client = self._client(request)
        deadline = _deadline(request)
        body = chat_body(await body_of(request, self._front.bounds))
        options = body.stream_options
        if options is not None and not body.stream:
            raise RefusedError(
                "stream_options is for streamed answers: send stream=true, or leave it out",
                parameter="stream_options",
            )
        with_usage = options is not None and options.include_usage

        async def work() -> Completion:
            reply = await self._service.answer(body, client, deadline_seconds=deadline)
            return Completion(reply=reply, with_usage=with_usage)

        return self._answer(work, broken_completion, streamed=bool(body.stream))

    async def responses(self, request: Request) -> Response:
        client = self._client(request)
        deadline = _deadline(request)
        asked = responses_body(await body_of(request, self._front.bounds))
        body = chat_body_of(asked)

        async def work() -> ResponseObject:
            reply = await self._service.answer(body, client, deadline_seconds=deadline)
            return ResponseObject(reply=reply, asked=asked)

        return self._answer(work, broken_response, streamed=bool(body.stream))

    def _answer(
        self,
        work: Callable[[], Awaitable[Sendable]],
        broken: Callable[[RefusedError], Iterable[bytes]],
        *,
        streamed: bool,
    ) -> Response:
        return AnswerResponse(
            work,
            streamed=streamed,
            broken=broken,
            patience_seconds=self._front.patience_seconds,
            refused=self._refused,
        )

    async def feedback(self, request: Request) -> Response:
        client = self._client(request)
        body = feedback_body(await body_of(request, self._front.bounds))
        given = await self._service.feedback(body, client)
        return json_response(
            {"id": given.feedback_id, "object": "feedback", "request_id": given.request_id}
        )

    async def models(self, request: Request) -> Response:
        self._client(request)
        return json_response({"object": "list", "data": [_model(name) for name in self._names()]})

    async def model(self, request: Request) -> Response:
        self._client(request)
        name = str(request.path_params["name"])
        if name not in self._names():
            raise RefusedError(
                f"there is no model {name[:100]!r}; GET /v1/models lists them",
                status=404,
                parameter="model",
                code="model_not_found",
            )
        return json_response(_model(name))

    async def live(self, request: Request) -> Response:
        return json_response({"status": "live"})

    async def ready(self, request: Request) -> Response:
        why = self._front.ready()
        if why is not None:
            return json_response({"status": "not ready", "reason": why}, 503)
        champion = self._service.deployed.current()
        name = None if champion is None else champion.checkpoint.checkpoint_id
        return json_response({"status": "ready", "checkpoint_id": name})

    async def metrics(self, request: Request) -> Response:
        self._client(request)
        return Response(
            self._service.traffic.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8"
        )

    async def figures(self, request: Request) -> Response:
        self._client(request)
        champion = self._service.deployed.current()
        candidate = self._service.deployed.candidate()
        places = self._service.places
        return json_response(
            {
                **self._service.traffic.figures(),
                "running": places.running,
                "waiting": places.waiting,
                "checkpoint": None if champion is None else champion.checkpoint.checkpoint_id,
                "candidate": None if candidate is None else candidate.checkpoint_id,
                "candidate_share": None if candidate is None else candidate.share,
                "simulated": self._service.kitchen.simulated,
                "spent_today": self._service.allowances.spent(),
            }
        )

    async def page(self, name: str, kind: str, request: Request) -> Response:
        return Response(
            (_PAGE / name).read_bytes(),
            headers={"content-security-policy": _POLICY, "x-content-type-options": "nosniff"},
            media_type=kind,
        )

    async def no_such_address(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        what = {404: "there is nothing at this address", 405: "this address takes another method"}
        refused = RefusedError(
            f"{what.get(status, 'the request cannot be answered')}: "
            "POST /v1/chat/completions and GET /v1/models are here",
            status=status,
            code="unknown_url",
        )
        self._refused(refused)
        return refusal_response(refused)

    def _client(self, request: Request) -> Client:
        return self._front.keys.client(request.headers.get("authorization"))

    def _names(self) -> tuple[str, ...]:
        tagged = (f"{CHAMPION}:{tag}" for tag in self._service.deployed.tags())
        champions = (CHAMPION, *tagged)
        points = (f"{name}@{point}" for name in champions for point in POINT_NAMES)
        return (*champions, *points, *self._service.kitchen.plain)

    def _refused(self, error: RefusedError) -> None:
        self._service.traffic.refused(error.status)


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "lamas"}


def _deadline(request: Request) -> float | None:
    """Seconds, of the header that says so."""
    given = request.headers.get(_DEADLINE_HEADER)
    if given is None:
        return None
    seconds = float(given) / 1000.0 if _NUMBER.fullmatch(given) else math.nan
    if not 0.0 < seconds <= 86_400.0:
        raise RefusedError(
            f"{_DEADLINE_HEADER} must be a number of milliseconds above 0 and at most a day",
            parameter=_DEADLINE_HEADER,
        )
    return seconds
