"""One real Prefect server for the whole session, and the `lamas` command run against it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.server import prefect_server

SMALL = (
    "llm=simulated",
    "benchmark.size=60",
    "training.steps=2",
    "training.problems_per_step=3",
    "training.rollouts_per_problem=3",
    "evaluation.problems=5",
    "evaluation.baselines=[generate]",
)
"""A whole retrain in seconds."""


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Generator[str, None, None]:
    """The API address of a server that runs while the tests do."""
    before = dict(os.environ)
    os.environ.pop("PREFECT_API_URL", None)
    with prefect_server(tmp_path_factory.mktemp("prefect")) as server:
        yield server.api_url
    os.environ.clear()
    os.environ.update(before)


def start_command(
    prefect_api: str, *arguments: str, env: dict[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start `lamas` in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "flows", *arguments],
        env={**os.environ, "PREFECT_API_URL": prefect_api, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture
def lamas(prefect_api: str) -> Callable[..., Finished]:
    """Run `lamas` with the given arguments to its end."""

    def run(*arguments: str, timeout: float = 240.0) -> Finished:
        process = start_command(prefect_api, *arguments)
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return Finished(process.returncode, stdout, stderr)

    return run


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home folder."""
    return tmp_path / "home"
