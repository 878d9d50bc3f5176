"""The `lamas` command against one real Prefect server."""

import sqlite3
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.command import Finished, run_here, start
from tests.kills.nursery import Nursery
from tests.shared import made_once
from tests.warm import Starter
from warehouse import Registry, Warehouse

SMALL = (
    "llm=simulated",
    "learner=reinforce",
    "benchmark.size=30",
    "training.steps=2",
    "training.problems_per_step=2",
    "training.rollouts_per_problem=2",
    "evaluation.problems=3",
    "evaluation.baselines=[generate]",
)
"""A whole retrain in seconds: 17 rollouts."""

QUIET = ("execution.granularity=batch", "llm.simulated.in_process=true")
"""Where neither what Prefect shows of operators is the subject, nor how a model is spoken to."""

TINY = (
    "llm=simulated",
    "learner=reinforce",
    "benchmark.size=20",
    "training.steps=1",
    "training.problems_per_step=2",
    "training.rollouts_per_problem=2",
    "evaluation.problems=3",
    "evaluation.baselines=[]",
)
"""The least that is a whole retrain."""


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


@pytest.fixture(scope="session")
def undisturbed(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home folder of one whole retrain, seed 7, one rollout at a time; do not change it."""

    def make(home: Path) -> None:
        finished = run_here(
            "retrain",
            *SMALL,
            "seed=7",
            f"home={home}",
            "execution.concurrency=1",
            "llm.concurrency=1",
            prefect_api=prefect_api,
        )
        assert finished.code == 0, finished.stderr
        assert "Promoted" in finished.stdout or "Not promoted" in finished.stdout
        assert "simulated model" in finished.stdout
        (hint,) = (line for line in finished.stdout.splitlines() if "lamas ask" in line)
        assert " ".join(SMALL[:3]) in hint

    return made_once(tmp_path_factory, "undisturbed", make)


@pytest.fixture(scope="session")
def trained(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with one tiny retrain and a champion; do not change it."""

    def make(home: Path) -> None:
        finished = run_here("retrain", *TINY, *QUIET, f"home={home}", prefect_api=prefect_api)
        assert finished.code == 0, finished.stderr
        registry = Registry(Warehouse.open(home / "warehouse.duckdb"))
        if registry.champion() is None:
            last = registry.checkpoints()[-1].checkpoint_id
            registry.promote(last, evidence={"reason": "a test wants a champion"})

    return made_once(tmp_path_factory, "trained", make)


@pytest.fixture(scope="session")
def nursery(prefect_api: str) -> Generator[Nursery, None, None]:
    """A process that has everything imported, and forks itself to run a command."""
    opened = Nursery({"PREFECT_API_URL": prefect_api})
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def warm(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Generator[Starter]:
    """Start `lamas` in a process and group of its own, to be stopped or killed."""
    starter = Starter(nursery, tmp_path_factory.mktemp("warm"))
    yield starter
    starter.end()


def answers_in(path: Path) -> int:
    """Responses that a store holds; 0 before there is one."""
    if not path.exists():
        return 0
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT count(*) FROM responses").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
