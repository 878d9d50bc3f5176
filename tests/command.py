"""The `lamas` command run in this process or in one of its own."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

from flows.command import run


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


def run_here(*arguments: str) -> Finished:
    """Run `lamas` in this process: everything of the command but Python's start."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with redirect_stdout(stdout), redirect_stderr(stderr):
        try:
            code = run(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
    return Finished(code, stdout.getvalue(), stderr.getvalue())


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
