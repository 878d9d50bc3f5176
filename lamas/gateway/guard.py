"""What a request must be before anybody looks into it: for this host, of no foreign page, small."""

import asyncio
import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from lamas.gateway.refusal import RefusedError
from lamas.gateway.responses import refusal_response

JSON = "application/json"
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """How large and how slow a request may be, and where it may come from."""

    hosts: Collection[str]
    """Names in lower case, without ports, under which it may be asked; `*` is any."""
    origins: Collection[str] = ()
    """Pages of other origins that may ask, as `https://example.org`."""
    body_bytes: int = 4 * 2**20
    body_seconds: float = 30.0


class Guard:
    """Refuses what no handler should see; what is refused is answered in OpenAI's form."""

    def __init__(self, app: ASGIApp, bounds: Bounds) -> None:
        self._app = app
        self._bounds = bounds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            # A WebSocket: closed before it opened is answered with 403.
            return await send({"type": "websocket.close", "code": 1008})
        try:
            self._check(Headers(scope=scope), str(scope["method"]))
        except RefusedError as error:
            return await refusal_response(error)(scope, receive, send)
        return await self._app(scope, receive, send)

    def _check(self, headers: Headers, method: str) -> None:
        hosts = headers.getlist("host")
        host = host_of(hosts[0]) if len(hosts) == 1 else None
        if host is None or not ("*" in self._bounds.hosts or host in self._bounds.hosts):
            raise RefusedError(
                "this address is not one that this gateway is asked under: correct it, or add its "
                "name to gateway.hosts",
                status=421,
                code="unknown_host",
            )
        origin = headers.get("origin")
        own = origin is not None and urlsplit(origin).netloc.lower() == hosts[0].lower()
        if origin is not None and not own and origin.lower() not in self._bounds.origins:
            raise _foreign()
        if origin is None and headers.get("sec-fetch-site", "none") in ("cross-site", "same-site"):
            raise _foreign()
        if "transfer-encoding" in headers and "content-length" in headers:
            raise RefusedError(
                "Content-Length and Transfer-Encoding contradict each other: send one of them",
                code="invalid_headers",
            )
        if len(headers.getlist("authorization")) > 1 or len(headers.getlist("content-length")) > 1:
            raise RefusedError(
                "a header came twice that may come once: send it once", code="invalid_headers"
            )
        if method == "POST":
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != JSON:
                raise RefusedError(
                    f"bodies are {JSON}: say so in Content-Type",
                    status=415,
                    code="unsupported_media_type",
                )
            if headers.get("content-encoding", "identity").lower() != "identity":
                raise RefusedError(
                    "bodies are read as they are: send it without Content-Encoding",
                    status=415,
                    code="unsupported_encoding",
                )


async def body_of(request: Request, bounds: Bounds) -> bytes:
    """The body; RefusedError for one that is too large (413) or too slow (408)."""
    too_large = RefusedError(
        f"the body is larger than {bounds.body_bytes} bytes: send less, or raise "
        "gateway.body_bytes",
        status=413,
        code="body_too_large",
    )
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced[:20]) > bounds.body_bytes:
        raise too_large
    pieces = bytearray()
    try:
        async with asyncio.timeout(bounds.body_seconds):
            async for piece in request.stream():
                pieces += piece
                if len(pieces) > bounds.body_bytes:
                    raise too_large
    except TimeoutError:
        raise RefusedError(
            f"the body did not arrive within {bounds.body_seconds:g} s: send it faster",
            status=408,
            code="body_too_slow",
        ) from None
    except ClientDisconnect:
        raise RefusedError("the client left", status=400, code="client_left") from None
    return bytes(pieces)


def host_of(header: str) -> str | None:
    """The name or address in a Host header, in lower case, without port; None for anything else."""
    if not header or any(letter in header for letter in "/\\@?# \t,"):
        return None
    parts = urlsplit(f"//{header}") if header.count("[") == header.count("]") < 2 else None
    port = "" if parts is None else parts.netloc.rpartition("]")[2].partition(":")[2]
    return parts.hostname if parts is not None and (not port or port.isdecimal()) else None


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address of that name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _foreign() -> RefusedError:
    return RefusedError(
        "a page of another origin may not ask this gateway: add it to gateway.origins",
        status=403,
        kind="permission_error",
        code="foreign_origin",
    )
