"""Fresh warehouses for tests, copied from one that is made once."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lamas.domain import Rollout
from tests.factories import make_checkpoint, make_problem, make_run
from tests.naive import naive_credits, naive_labels
from tests.random_rollouts import random_rollouts
from warehouse import Warehouse
from warehouse.reader import Reader
from warehouse.writer import Writer


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("warehouse") / "empty.duckdb"
    Warehouse.open(path, create=True)
    return path


@pytest.fixture(scope="session")
def prepared_file(empty_file: Path) -> Path:
    """A run, ten problems and three checkpoints, but no rollout."""
    path = empty_file.with_name("prepared.duckdb")
    shutil.copy(empty_file, path)
    writer = Writer(Warehouse.open(path))
    writer.add_run(make_run())
    problems = [make_problem(index, split="test" if index > 4 else "train") for index in range(10)]
    embeddings = np.random.default_rng(0).standard_normal((10, 384)).astype(np.float32)
    writer.add_problems(problems, embeddings)
    for number in range(3):
        writer.add_checkpoint(make_checkpoint(number))
    return path


@pytest.fixture
def empty(empty_file: Path, tmp_path: Path) -> Warehouse:
    return Warehouse.open(shutil.copy(empty_file, tmp_path / "lamas.duckdb"))


@pytest.fixture
def warehouse(prepared_file: Path, tmp_path: Path) -> Warehouse:
    return Warehouse.open(shutil.copy(prepared_file, tmp_path / "lamas.duckdb"))


@pytest.fixture(scope="session")
def full(prepared_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Random rollouts for training and evaluation, credited; not to be written to."""
    path = tmp_path_factory.mktemp("full") / "full.duckdb"
    warehouse = Warehouse.open(shutil.copy(prepared_file, path))
    writer = Writer(warehouse)
    training = random_rollouts(60, seed=1, failed_share=0.1)
    evaluating = tuple(
        replace(item, plan=replace(item.plan, purpose="evaluate", mode="decided"))
        for item in random_rollouts(40, seed=2, checkpoint_id="lamas-1")
    )
    batch = (*training, *evaluating)
    writer.add_rollouts([(item, naive_labels(item.trace)) for item in batch])
    for rule in ("critical_path", "uniform", "cost_only", "marginal"):
        usable = [item for item in training if item.status == "ok"]
        writer.add_credits([credit for item in usable for credit in naive_credits(item, rule)])
    return warehouse


@pytest.fixture
def writer(warehouse: Warehouse) -> Writer:
    return Writer(warehouse)


@pytest.fixture
def reader(warehouse: Warehouse) -> Reader:
    return Reader(warehouse)


@pytest.fixture
def store(writer: Writer) -> Callable[..., int]:
    """Stores rollouts with their labels; returns how many were new."""

    def add(*rollouts: Rollout) -> int:
        return writer.add_rollouts([(item, naive_labels(item.trace)) for item in rollouts])

    return add
