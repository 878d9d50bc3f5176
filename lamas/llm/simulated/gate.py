"""Who may ask the simulated endpoint: the run that started it, and no web page."""

import hmac
import json
from collections.abc import Iterable
from typing import cast

from starlette.types import ASGIApp, Receive, Scope, Send

from lamas.llm.simulated.protocol import error_body

_WITHOUT_KEY = ("/health",)


class Gate:
    """Refuses what a browser sends for some page, other names of this host, and other keys.

    A page whose name was made to mean this machine asks under its own name; one that asks across
    sites is told apart by what every browser says of it.
    """

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str] | None, key: str) -> None:
        """`hosts`: values of `Host` that are answered, any for None; `key`: "" asks for none."""
        self._app = app
        self._hosts = None if hosts is None else frozenset(host.encode() for host in hosts)
        self._key = f"Bearer {key}".encode() if key else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(cast("list[tuple[bytes, bytes]]", scope.get("headers", [])))
        if b"origin" in headers or headers.get(b"sec-fetch-site", b"none") != b"none":
            await _refuse(send, 403, "web pages may not ask this server")
        elif self._hosts is not None and headers.get(b"host", b"") not in self._hosts:
            await _refuse(send, 403, "this server is asked under its own address only")
        elif self._may_pass(headers, str(scope["path"])):
            await self._app(scope, receive, send)
        else:
            await _refuse(send, 401, "this server answers the run that started it")

    def _may_pass(self, headers: dict[bytes, bytes], path: str) -> bool:
        if not self._key or path in _WITHOUT_KEY:
            return True
        return hmac.compare_digest(headers.get(b"authorization", b""), self._key)


async def _refuse(send: Send, status: int, message: str) -> None:
    code = "invalid_api_key" if status == 401 else None
    body = json.dumps(error_body(message, "invalid_request_error", code=code)).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
