"""The attacker's own server: the hostile page, what it tells, and a service that lets all in."""

import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

HOSTILE = Path(__file__).with_name("hostile.html")
Told = Mapping[str, str]


class Elsewhere(ThreadingHTTPServer):
    """Answers every page of every origin."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Elsewhere)
        self.told: list[list[Told]] = []
        self.reached = 0
        """Requests that changed something at the service that lets all in."""


class _Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(HOSTILE.read_bytes() if self.path == "/" else b"{}", "text/html")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        server = cast("Elsewhere", self.server)
        if self.path == "/told":
            server.told.append(cast("list[Told]", json.loads(body)))
        else:
            server.reached += 1
        self._answer(b"{}", "application/json")

    do_PATCH = do_DELETE = do_POST  # noqa: N815

    def do_OPTIONS(self) -> None:
        self._answer(b"", "text/plain")

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        origin = self.headers.get("origin", "*")
        for name, value in (
            ("content-type", kind),
            ("content-length", str(len(body))),
            ("access-control-allow-origin", origin),
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-methods", "GET,POST,PATCH,DELETE"),
            ("access-control-allow-headers", "content-type,authorization"),
        ):
            self.send_header(name, value)
        self.end_headers()
        with suppress(BrokenPipeError):
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def elsewhere() -> Generator[Elsewhere, None, None]:
    """The attacker's server while the block lasts."""
    with Elsewhere() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
