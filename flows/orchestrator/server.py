"""Which Prefect server a run talks to: the user's, one kept open by `lamas ui`, or its own."""

import json
import logging
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from flows.orchestrator.access import (
    FILE,
    auth_string,
    entrance_url,
    identity_url,
    pointed_at,
    proof,
)
from flows.orchestrator.blank_database import keep_blank
from flows.orchestrator.process import end_with_parent
from flows.orchestrator.server_environment import server_environment
from lamas.errors import ServerError

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
DEFAULT_PORT = 4200
START_TIMEOUT_SECONDS = 120.0
STOP_TIMEOUT_SECONDS = 15.0
MOST_RESTARTS = 5
WAITING_CONNECTIONS = 2048
"""Who asks too early waits in line instead of asking again and again."""


@dataclass(frozen=True, kw_only=True)
class PrefectServer:
    """A Prefect server that answers."""

    api_url: str
    owned: bool
    """True when this process started it and stops it."""
    home: Path | None = None
    """The folder whose string opens it; None for a server that is not LAMaS's own."""

    @property
    def ui_url(self) -> str:
        return self.api_url.removesuffix("/api")

    def entrance(self, *, terminal: bool) -> str:
        """How a person gets to the UI: on a terminal a link that logs in, else where to read what
        the page asks for (what is written into a file stays there).
        """
        if self.home is None:
            return self.ui_url
        if terminal:
            return entrance_url(self.api_url, self.home)
        return f"{self.ui_url} (log in with the text of {self.home / FILE})"


def free_port(preferred: int = 0) -> int:
    """A port on loopback that nobody has: `preferred` if it is free."""
    with _listening(preferred, 0) as probe:
        return int(probe.getsockname()[1])


def _listening(*ports: int) -> socket.socket:
    """A socket that listens at the first of these ports that is free; 0 is any that is."""
    for port in ports:
        taken = socket.socket()
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((HOST, port))
            taken.listen(WAITING_CONNECTIONS)
        except OSError:
            taken.close()
            continue
        return taken
    raise ServerError(
        f"no free port on {HOST} for the Prefect server among {', '.join(map(str, ports))} "
        "(0 is any): stop a process and retry"
    )


def answers(api_url: str, *, timeout_seconds: float = 2.0) -> bool:
    """Whether a Prefect API answers its health check at `api_url`."""
    return _asked(f"{api_url}/health", timeout_seconds=timeout_seconds) is not None


def serves(api_url: str, home: Path) -> bool:
    """Whether the server at `api_url` is the one of this home folder: ports change hands."""
    nonce = secrets.token_hex(16)
    answer = _asked(identity_url(api_url, nonce))
    return answer == proof(auth_string(home), api_url, nonce)


def _asked(url: str, *, timeout_seconds: float = 2.0) -> str | None:
    """The text that `url` gives; None when it gives none."""
    # Reading the certificates that TLS needs takes longer than the question; and what runs on this
    # machine is not asked through a proxy.
    distant = not url.startswith(f"http://{HOST}:")
    try:
        with httpx.Client(verify=distant, trust_env=distant, timeout=timeout_seconds) as client:
            response = client.get(url)
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
    return response.text if response.is_success else None


def _die_with_parent() -> None:
    """In the child: receive SIGTERM when the parent ends, however it ends (Linux)."""
    os.setsid()
    end_with_parent()


def _state_file(home: Path) -> Path:
    return home / "server.json"


def kept_open(home: Path) -> PrefectServer | None:
    """The server that `lamas ui` keeps open on this home folder, if it still does."""
    try:
        api_url = str(json.loads(_state_file(home).read_text())["api_url"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    found = PrefectServer(api_url=api_url, owned=False, home=home)
    return found if serves(api_url, home) else None


def _start(
    home: Path, ports: Sequence[int], log_path: Path, *, schedules: bool
) -> tuple[subprocess.Popen[bytes], str]:
    """A new server at the first of `ports` that is free, and its API address."""
    # Taken here, where it is known at once which one it is, and handed down.
    with _listening(*ports) as taken, log_path.open("ab") as log:
        port = int(taken.getsockname()[1])
        place = ("--host", HOST, "--port", str(port), "--descriptor", str(taken.fileno()))
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "flows.orchestrator.guarded", *place],
            env=server_environment(home, f"http://{HOST}:{port}", schedules=schedules),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=_die_with_parent,
            pass_fds=(taken.fileno(),),
            # What runs recorded is for their user alone, as is the string.
            umask=0o077,
        )
    return process, f"http://{HOST}:{port}/api"


def _wait_until_ready(
    process: subprocess.Popen[bytes], api_url: str, home: Path, log_path: Path
) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not serves(api_url, home):
        if process.poll() is not None:
            tail = log_path.read_text(errors="replace").strip().splitlines()[-1:] or ["no output"]
            raise ServerError(
                f"the Prefect server ended with code {process.returncode} while starting "
                f"({tail[0]}); its log is {log_path}"
            )
        if time.monotonic() > deadline:
            raise ServerError(
                f"the Prefect server at {api_url} did not answer within "
                f"{START_TIMEOUT_SECONDS:.0f} s; its log is {log_path}"
            )
        time.sleep(0.1)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class _Kept:
    """A server of this process, started again on its port when it dies."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        start: Callable[[], tuple[subprocess.Popen[bytes], str]],
    ) -> None:
        """`start` starts it once more where it was."""
        self._process = process
        self._start = start
        self._stopped = threading.Event()
        # The kernel ends a server with the thread that started it: this one lives until `stop`.
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the server and whoever would start it again."""
        self._stopped.set()
        self._thread.join()
        _stop(self._process)

    def _keep(self) -> None:
        restarts = 0
        while not self._stopped.wait(0.2):
            if self._process.poll() is not None and restarts < MOST_RESTARTS:
                restarts += 1
                code = self._process.returncode
                logger.warning("the Prefect server ended (code %d): starting it again", code)
                try:
                    self._process, _ = self._start()
                except (OSError, ServerError) as error:
                    logger.warning("it cannot be started: %s", error)


@contextmanager
def prefect_server(
    home: Path,
    *,
    port: int = DEFAULT_PORT,
    keep_open: bool = False,
    meanwhile: Callable[[], object] = bool,
) -> Generator[PrefectServer, None, None]:
    """Yield a server and point this process's Prefect client at it.

    In order of preference: the server of `PREFECT_API_URL`, the one `lamas ui` keeps open on
    `home`, a new one on loopback whose database lies in `home`; a new one is stopped at the end.
    Must be entered before `prefect` is imported; `meanwhile`, which is called while a new one is
    starting, may do so. Where it raises the server ends.
    `keep_open` leaves a note by which other runs find the new server. Raises ServerError when the
    named server does not answer or a new one does not start.

    A new server that dies is started again: what a run shows meanwhile is lost, the run is not.
    """
    home = home.resolve()
    # Per-task console lines would drown the progress display; warnings still come through.
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    configured = os.environ.get("PREFECT_API_URL")
    if configured:
        if not answers(configured, timeout_seconds=10.0):
            raise ServerError(
                f"no Prefect server answers at PREFECT_API_URL={configured}; "
                "start it or unset the variable to let the run start its own"
            )
        meanwhile()
        yield PrefectServer(api_url=configured, owned=False)
        return

    os.environ["PREFECT_HOME"] = str(home)
    found = kept_open(home)
    if found:
        with pointed_at(found.api_url, home):
            meanwhile()
            yield found
        return

    home.mkdir(parents=True, exist_ok=True)
    log_path = home / "server.log"
    log_path.unlink(missing_ok=True)
    process, api_url = _start(home, (port, 0), log_path, schedules=keep_open)
    with pointed_at(api_url, home):
        try:
            meanwhile()
            _wait_until_ready(process, api_url, home, log_path)
        except BaseException:
            _stop(process)
            raise
        keep_blank(home)
        same_port = int(urlsplit(api_url).port or 0)
        again = partial(_start, home, (same_port,), log_path, schedules=keep_open)
        kept = _Kept(process, again)
        try:
            if keep_open:
                note = {"api_url": api_url, "pid": process.pid}
                _state_file(home).write_text(json.dumps(note))
            yield PrefectServer(api_url=api_url, owned=True, home=home)
        finally:
            if keep_open:
                _state_file(home).unlink(missing_ok=True)
            kept.stop()
