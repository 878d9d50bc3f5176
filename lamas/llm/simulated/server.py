"""Starting and stopping a simulated endpoint in a child process that never outlives its parent."""

import asyncio
import json
import logging
import os
import secrets
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast
from urllib.parse import urlsplit

from lamas.domain import Problem
from lamas.errors import ConfigurationError, ServerError
from lamas.llm.simulated.problems import SimulatedProblem
from lamas.llm.simulated.profile import DEFAULT_PROFILE, SimulatedProfile, load_profile

logger = logging.getLogger(__name__)

_STOP_SECONDS = 5.0
_MOST_RESTARTS = 5


class SimulatedServer:
    """A simulated endpoint on loopback, as a context manager (`with` or `async with`).

    `profile` is a profile, the name of a shipped one, or a YAML file; `time_scale` real seconds
    pass for one simulated second (0 never sleeps). The server runs in a process of its own, which
    ends with the block, with `stop()`, and with this process, however it ends. When it dies before
    that, another takes its place on the same port, a few times. It answers only to `api_key`, which
    is made anew for each object, and to no web page. Raises ConfigurationError for an
    invalid profile or scale and ServerError when it does not start.
    """

    def __init__(
        self,
        profile: SimulatedProfile | str | Path = DEFAULT_PROFILE,
        *,
        problems: Iterable[Problem | SimulatedProblem] = (),
        time_scale: float = 0.0,
        port: int = 0,
        start_timeout_seconds: float = 60.0,
    ) -> None:
        if not time_scale >= 0.0:
            raise ConfigurationError(f"time_scale={time_scale} must be ≥ 0; 0 never sleeps")
        self.profile = profile if isinstance(profile, SimulatedProfile) else load_profile(profile)
        self._problems = [
            item if isinstance(item, SimulatedProblem) else SimulatedProblem.of(item)
            for item in problems
        ]
        self._time_scale = time_scale
        self._port = port
        self._start_timeout_seconds = start_timeout_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._base_url = ""
        self.api_key = secrets.token_urlsafe(32)
        """What every request must bear; handed to the process over a pipe."""
        self._changing = threading.RLock()
        """Held while the process is started, replaced or ended."""

    @property
    def base_url(self) -> str:
        """Address for OpenAI clients, ending in `/v1`; ServerError before the start."""
        if self._process is None:
            raise ServerError("the simulated endpoint is not running: enter its context first")
        return self._base_url

    @property
    def model(self) -> str:
        """Name in every response."""
        return self.profile.model

    @property
    def process_id(self) -> int:
        """Of the server's process; ServerError before the start."""
        if self._process is None:
            raise ServerError("the simulated endpoint is not running: enter its context first")
        return self._process.pid

    def start(self) -> None:
        """Start the process and wait until it answers."""
        with self._changing:
            if self._process is not None:
                raise ServerError(f"the simulated endpoint runs already at {self._base_url}")
            self._process = process = self._launched(self._port)
        threading.Thread(target=self._keep, args=(process,), daemon=True).start()

    def _launched(self, port: int) -> subprocess.Popen[bytes]:
        """A process that answers on `port`."""
        with tempfile.TemporaryFile() as complaints:
            process = self._spawn(complaints, port)
            try:
                self._hand_over(process)
                self._base_url = self._wait(process, complaints)
            except BaseException:
                _end(process)
                raise
        return process

    def stop(self) -> None:
        """End the process; does nothing when it is not running."""
        with self._changing:
            process, self._process = self._process, None
            if process is not None:
                _end(process)

    def _keep(self, process: subprocess.Popen[bytes]) -> None:
        """Replace the process when it dies before it is told to end."""
        for _ in range(_MOST_RESTARTS):
            code = process.wait()
            with self._changing:
                if self._process is not process:
                    return
                logger.warning("the simulated endpoint ended (code %d): starting it again", code)
                _end(process)
                try:
                    port = urlsplit(self._base_url).port or 0
                    self._process = process = self._launched(port)
                except ServerError as error:
                    # Whatever ended the first may have met the second one too.
                    logger.warning("%s", error)

    def _spawn(self, complaints: IO[bytes], port: int) -> subprocess.Popen[bytes]:
        scale = repr(float(self._time_scale))
        arguments = ["--supervised", "--time-scale", scale, "--port", str(port)]
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "lamas.llm.simulated", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            # Ctrl-C at a terminal reaches the whole group; the run stops the server when it is
            # done with it, not the terminal.
            start_new_session=True,
        )

    def _hand_over(self, process: subprocess.Popen[bytes]) -> None:
        content = {
            "profile": self.profile.model_dump(mode="json"),
            "problems": [problem.as_json() for problem in self._problems],
            "key": self.api_key,
        }
        pipe = cast("IO[bytes]", process.stdin)
        with suppress(BrokenPipeError):  # It ended at once: _wait reports why.
            pipe.write(json.dumps(content).encode() + b"\n")
            pipe.flush()

    def _wait(self, process: subprocess.Popen[bytes], complaints: IO[bytes]) -> str:
        """The base URL from the first line the process prints."""
        pipe = cast("IO[bytes]", process.stdout)
        deadline = time.monotonic() + self._start_timeout_seconds
        line = b""
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            ready, _, _ = select.select([pipe], [], [], max(left, 0.0))
            if not ready:
                raise ServerError(
                    "the simulated endpoint was not ready after "
                    f"{self._start_timeout_seconds:g} s; allow more time or look at the load"
                )
            part = os.read(pipe.fileno(), 4096)
            if not part:
                complaints.seek(0)
                lines = complaints.read().decode(errors="replace").strip().splitlines()
                reason = lines[-1] if lines else f"exit code {process.wait()}"
                raise ServerError(f"the simulated endpoint did not start: {reason}")
            line += part
        return str(json.loads(line)["base_url"])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.stop)


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
