"""The server of a gateway: the champion behind an OpenAI-compatible address, until told to stop."""

import asyncio
import gc
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from flows.gateway.access import keys_from
from flows.gateway.opening import opened_gateway
from flows.settings import Settings
from lamas.errors import ServerError

STOP_SECONDS = 20
"""What runs when the gateway is told to stop gets so long to end."""
WAITING_CONNECTIONS = 2048


async def serve(settings: Settings, say: Callable[[str], None]) -> None:
    """Answer until cancelled.

    Raises ConfigurationError for a host that needs keys, ServerError for a port that is taken, and
    what `opened_gateway` raises.
    """
    keys = keys_from(settings.gateway)
    with _listening(settings) as taken:
        async with opened_gateway(settings, keys, say) as opened:
            host, port = taken.getsockname()[:2]
            where = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            champion = opened.service.deployed.current()
            name = "no champion yet" if champion is None else champion.checkpoint.checkpoint_id
            say(f"run {opened.run_id}: {name}" + (" — simulated model" * settings.simulated))
            # What was imported stays: to look through it again held all requests up for 0.2 s.
            gc.freeze()
            say(f"answering at {where}/v1; its page is {where}/")
            await serve_app(opened.app, taken)


async def serve_app(app: ASGIApp, taken: socket.socket) -> None:
    """Serve on a socket that listens, until cancelled; requests on their way end first."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    server = uvicorn.Server(config)
    serving = asyncio.ensure_future(server.serve(sockets=[taken]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise


def _listening(settings: Settings) -> socket.socket:
    host, port = settings.gateway.host.strip("[]"), settings.gateway.port
    taken = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
        taken.listen(WAITING_CONNECTIONS)
    except OSError as error:
        taken.close()
        raise ServerError(
            f"gateway.port={port} of gateway.host={host} cannot be used ({error.strerror}): stop "
            "what uses it, or choose another"
        ) from None
    return taken
