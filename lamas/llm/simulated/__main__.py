"""The server process: `python -m lamas.llm.simulated --help`."""

import argparse
import asyncio
import json
import os
import select
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import uvicorn

from lamas.errors import LamasError, ServerError
from lamas.llm.simulated.app import build_app
from lamas.llm.simulated.gate import Gate
from lamas.llm.simulated.model import SimulatedModel
from lamas.llm.simulated.problems import SimulatedProblem
from lamas.llm.simulated.profile import (
    DEFAULT_PROFILE,
    SimulatedProfile,
    load_profile,
    parse_profile,
)

_WATCH_SECONDS = 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; the first line on stdout is JSON with the key `base_url`."""
    options = _parser().parse_args(arguments)
    parent = os.getppid()
    try:
        if options.supervised:
            profile, problems, key = _handed_over(sys.stdin.buffer.readline())
            _exit_with(parent)
        else:
            key = _key(options.key_variable)
            profile = load_profile(options.profile, seed=options.seed)
            problems = _read_problems(options.problems)
        if options.time_scale < 0:
            raise ServerError(f"--time-scale {options.time_scale:g} must be ≥ 0; 0 never sleeps")
        listener = _listen(options.host, options.port)
    except LamasError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    model = SimulatedModel(profile, problems)
    with listener:
        name: tuple[str, int] = listener.getsockname()[:2]
        address = f"http://{name[0]}:{name[1]}/v1"
        print(json.dumps({"base_url": address, "model": profile.model}), flush=True)
        # Behind another address than loopback it has whatever names its machine has.
        local = name[0].startswith("127.")
        hosts = [f"{host}:{name[1]}" for host in (name[0], "localhost")] if local else None
        _serve(Gate(build_app(model, options.time_scale), hosts=hosts, key=key), listener)
    return 0


def _serve(app: Gate, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_keep_alive=600,
        # Answers that sleep or hang must not keep a stopped server alive.
        timeout_graceful_shutdown=1,
        backlog=4096,
    )
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(uvicorn.Server(config).serve(sockets=[listener]))


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise ServerError(
            f"simulated endpoint cannot listen on {host}:{port} ({error}); choose another port"
        ) from error
    listener.listen(4096)
    return listener


def _handed_over(line: bytes) -> tuple[SimulatedProfile, list[SimulatedProblem], str]:
    """Profile, problems and key as the parent process writes them: one line of JSON."""
    content = cast("dict[str, object]", json.loads(line))
    entries = cast("list[object]", content["problems"])
    problems = [SimulatedProblem.parse(item, f"problem {i}") for i, item in enumerate(entries)]
    return parse_profile(content["profile"]), problems, str(content["key"])


def _key(variable: str | None) -> str:
    if variable is None:
        return ""
    key = os.environ.get(variable, "").strip()
    if not key:
        raise ServerError(f"--key-variable {variable} is not set: export {variable}=… first")
    return key


def _read_problems(path: Path | None) -> list[SimulatedProblem]:
    if path is None:
        return []
    try:
        given: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ServerError(f"problems file {path} cannot be read: {error}") from error
    if not isinstance(given, list):
        raise ServerError(f"problems file {path} must hold a JSON list")
    entries = cast("list[object]", given)
    return [SimulatedProblem.parse(item, f"{path}, problem {i}") for i, item in enumerate(entries)]


def _exit_with(parent: int) -> None:
    """End this process when the parent is gone, however it ended."""

    def watch() -> None:
        while os.getppid() == parent:
            # Readable means closed: the parent writes nothing more. A process forked by the parent
            # may hold the pipe open, hence the look at the parent's id as well.
            readable, _, _ = select.select([sys.stdin], [], [], _WATCH_SECONDS)
            if readable and not os.read(sys.stdin.fileno(), 1):
                break
        os._exit(0)

    threading.Thread(target=watch, daemon=True, name="parent watch").start()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lamas.llm.simulated",
        description="A seeded HTTP endpoint that speaks the OpenAI chat completions API and "
        "behaves like a model, as docs/simulated.md describes.",
    )
    parser.add_argument(
        "--profile", default=DEFAULT_PROFILE, help="name of a shipped profile, or a YAML file"
    )
    parser.add_argument("--seed", type=int, default=None, help="instead of the profile's")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument(
        "--time-scale",
        type=float,
        default=1.0,
        help="real seconds for one simulated second: 1 is real time, 0 never sleeps",
    )
    parser.add_argument("--problems", type=Path, default=None, help="JSON list of problems")
    parser.add_argument(
        "--key-variable",
        metavar="NAME",
        help="environment variable with the key that requests must bear; none is asked for else",
    )
    parser.add_argument("--supervised", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
