"""A home folder with problems and two controllers in it, made without an orchestrator."""

from pathlib import Path

import pytest

from flows.prepare import store_problems
from flows.run.learners import initial_learner
from flows.run.opening import session

TINY = ("llm=simulated", "learner=reinforce", "benchmark.size=20", "training.problems_per_step=2")


@pytest.fixture(scope="session")
async def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Home with 20 problems and the first checkpoints of both controllers; do not change it."""
    home = tmp_path_factory.mktemp("prepared") / "home"
    for kind in ("paper", "lamas"):
        async with session("prepare", [*TINY, f"home={home}", f"controller={kind}"]) as current:
            store_problems(current)
            initial_learner(current)
    return home
