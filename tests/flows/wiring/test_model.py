"""What earlier parts of a run paid counts against its caps, whether or not it was answered."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flows.run.budget import remaining_budget
from flows.settings.compose import load_settings
from lamas.domain import ModelCall, Rollout
from lamas.llm import ResponseStore
from lamas.timing import label
from tests.factories import Step, make_call, make_checkpoint, make_problem, make_rollout, make_run
from warehouse import Warehouse
from warehouse.reader import Reader
from warehouse.writer import Writer

CAPS = load_settings(["llm=simulated", "llm.max_usd=2.0", "llm.max_calls=10"])


def failed_attempt(cost_usd: float, *, call_id: str, attempt: int = 1) -> ModelCall:
    made = make_call(error="HTTP 500", attempt=attempt, call_id=call_id)
    return replace(made, cost_usd=cost_usd)


def test_answers_of_this_run_count_and_those_of_others_do_not(tmp_path: Path) -> None:
    path = tmp_path / "responses.sqlite"
    with ResponseStore(path, run_id="other") as store:
        store.put("a", (make_call(cost_usd=1.0),))
    with ResponseStore(path, run_id="this") as store:
        assert remaining_budget(CAPS, store).spent_usd == 0.0
        # Failed attempts before the answer were paid too; what another run paid stays its own.
        store.put("b", (failed_attempt(0.25, call_id="b"), make_call(cost_usd=0.5, attempt=2)))
        store.put("a", (make_call(cost_usd=1.0),))
    with ResponseStore(path, run_id="this") as store:
        budget = remaining_budget(CAPS, store, lost=(2, 0.125))
    assert (budget.max_usd, budget.max_calls) == (2.0, 10)
    assert (budget.spent_usd, budget.made_calls) == (0.875, 3)


def test_a_store_of_the_first_version_is_read_on(tmp_path: Path) -> None:
    path = tmp_path / "responses.sqlite"
    with ResponseStore(path) as store:
        store.put("a", (make_call(),))
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE responses DROP COLUMN run_id")
        connection.execute("PRAGMA user_version = 1")
    with ResponseStore(path, run_id="this") as store:
        assert store.get("a") == (replace(make_call(), request_messages=()),)
        assert store.paid() == (0, 0.0)
        store.put("b", (make_call(cost_usd=0.5),))
        assert store.paid() == (1, 0.5)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    made = Warehouse.open(tmp_path / "w.duckdb", create=True)
    writer = Writer(made)
    for run_id in ("run-1", "run-2"):
        writer.add_run(make_run(run_id))
    writer.add_problems([make_problem(0)], np.zeros((1, 384), dtype=np.float32))
    writer.add_checkpoint(make_checkpoint(0))
    return made


def store_rollouts(warehouse: Warehouse, rollouts: Sequence[Rollout]) -> None:
    Writer(warehouse).add_rollouts([(item, label(item.trace)) for item in rollouts])


@pytest.mark.slow
def test_calls_without_an_answer_are_found_in_the_warehouse(warehouse: Warehouse) -> None:
    lost = Step(
        operator="Generate",
        calls=(
            failed_attempt(0.25, call_id="x"),
            failed_attempt(0.5, call_id="x", attempt=2),
        ),
        error="HTTP 500",
    )
    answered = Step(
        operator="Generate",
        calls=(failed_attempt(0.125, call_id="y"), make_call(attempt=2, call_id="y")),
    )
    assert Reader(warehouse).lost_calls(["run-1"]) == (0, 0.0)
    store_rollouts(
        warehouse,
        [
            make_rollout([[lost]], rollout_id="a"),
            make_rollout([[answered]], rollout_id="b", sample_index=1),
            make_rollout([[lost]], rollout_id="c", run_id="run-2"),
        ],
    )
    assert Reader(warehouse).lost_calls(["run-1"]) == (1, 0.75)
