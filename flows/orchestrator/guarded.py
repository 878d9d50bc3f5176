"""The process of a home's Prefect server: its app, behind checks of who asks and from where."""

import argparse
import os
import socket

import uvicorn
from starlette.datastructures import Headers
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from flows.orchestrator.access import ENTRANCE_PATH, IDENTITY_PATH, proof

JSON = "application/json"
LONGEST_NONCE = 128

# What follows the # of an address is not sent to any server, nor written into its log. A string
# that does not open the server is not kept: a link of another page must not log the user out.
ENTRANCE = """<!doctype html><meta charset="utf-8"><title>LAMaS</title><script>
const told = btoa(location.hash.slice(1));
history.replaceState(null, "", location.pathname);
fetch("/api/admin/version", {headers: {authorization: "Basic " + told}}).then(answer => {
  if (answer.ok) localStorage.setItem("prefect-password", told);
}).finally(() => location.replace("/"));
</script>"""


class Guard:
    """Lets requests from this server's own page and from programs through; no other page's.

    Answers two addresses itself: proof of whose server this is, and the page that logs in.
    """

    def __init__(self, app: ASGIApp, *, origin: str, secret: str) -> None:
        self._app = app
        self._origin = origin
        self._secret = secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        # Browsers say where a page comes from; programs of the user have nothing to say.
        foreign = headers.get("origin", self._origin) != self._origin
        embedded = headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        # A link that the user follows, but no frame inside another page.
        followed = headers.get("sec-fetch-dest") == "document" and scope.get("method") == "GET"
        if foreign or (embedded and not followed):
            refused = PlainTextResponse(
                f"only pages of {self._origin} may ask this server\n", status_code=403
            )
            return await refused(scope, receive, send)
        # What a form of any page may send without asking first; Prefect would read JSON in it.
        if headers.get("content-type", JSON).partition(";")[0].strip().lower() != JSON:
            refused = PlainTextResponse(f"bodies are {JSON}\n", status_code=403)
            return await refused(scope, receive, send)
        if scope["type"] == "http" and scope["path"] == IDENTITY_PATH:
            return await self._identify(scope, receive, send)
        if scope["type"] == "http" and scope["path"] == ENTRANCE_PATH:
            return await HTMLResponse(ENTRANCE)(scope, receive, send)
        return await self._app(scope, receive, send)

    async def _identify(self, scope: Scope, receive: Receive, send: Send) -> None:
        nonce = HTTPConnection(scope).query_params.get("nonce", "")
        if not (nonce.isalnum() and len(nonce) <= LONGEST_NONCE):
            answer = PlainTextResponse("give a nonce of letters and digits\n", status_code=400)
        else:
            answer = PlainTextResponse(proof(self._secret, f"{self._origin}/api", nonce))
        await answer(scope, receive, send)


def guarded(app: ASGIApp, *, host: str, port: int, secret: str) -> ASGIApp:
    """The app, for requests that name `host` and come from no page but its own."""
    guard = Guard(app, origin=f"http://{host}:{port}", secret=secret)
    # A page whose name was made to mean this machine still asks under its own name.
    return TrustedHostMiddleware(guard, allowed_hosts=[host], www_redirect=False)


def main() -> None:
    """Serve until told to stop; the settings are in the environment."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--descriptor", type=int, required=True, help="of the listening socket")
    options = parser.parse_args()
    host: str = options.host
    port: int = options.port
    taken = socket.socket(fileno=options.descriptor)
    # Prefect reads its settings from the environment when it is imported.
    from prefect.server.api.server import create_app

    secret = os.environ["PREFECT_SERVER_API_AUTH_STRING"]
    app = guarded(create_app(final=True), host=host, port=port, secret=secret)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[taken])


if __name__ == "__main__":
    main()
