"""The `lamas` command against one real Prefect server."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import Finished, run_here, start

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


def start_command(prefect_api: str, *arguments: str) -> subprocess.Popen[str]:
    """Start `lamas` in a process group of its own, to be killed."""
    return start(*arguments, env={"PREFECT_API_URL": prefect_api})


@pytest.fixture
def lamas(prefect_api: str) -> Callable[..., Finished]:
    """Run `lamas` with the given arguments to its end, in this process."""

    def run(*arguments: str) -> Finished:
        return run_here(*arguments, prefect_api=prefect_api)

    return run


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home folder."""
    return tmp_path / "home"
