"""The `lamas` command run in this process or in one of its own."""

import io
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass

from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.cli.main import run


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


def run_here(*arguments: str, prefect_api: str | None = None) -> Finished:
    """Run `lamas` in this process: everything of the command but Python's start.

    Stages need `prefect_api`, the address of a running server.
    """
    stdout, stderr = io.StringIO(), io.StringIO()
    with ExitStack() as stack:
        if prefect_api is not None:
            stack.enter_context(_server(prefect_api))
        stack.enter_context(redirect_stdout(stdout))
        stack.enter_context(redirect_stderr(stderr))
        try:
            code = run(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
    return Finished(code, stdout.getvalue(), stderr.getvalue())


@contextmanager
def _server(prefect_api: str) -> Generator[None, None, None]:
    """Point this process at a server; Prefect read its settings long ago."""
    os.environ["PREFECT_API_URL"] = prefect_api
    try:
        with temporary_settings({PREFECT_API_URL: prefect_api}):
            yield
    finally:
        del os.environ["PREFECT_API_URL"]


def start(*arguments: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """Start `lamas` in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "flows", *arguments],
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
