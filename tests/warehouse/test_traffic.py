"""What people asked and said becomes a file of problems; what was not kept does not."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lamas.domain.served import Feedback, ServedRequest
from lamas.errors import WarehouseError
from tests.factories import T0, make_problem, make_rollout, make_run
from tests.naive import naive_labels
from tests.served import make_request
from warehouse import Warehouse
from warehouse.served import (
    Answered,
    Served,
    known_request,
    merge_served,
    spent_since,
    write_served,
)
from warehouse.traffic import export_questions

Said = tuple[float | None, str | None]


def served(questions: dict[str, list[Said]]) -> Served:
    """One request for each question, and what was said of it, in order."""
    answered: list[Answered] = []
    requests: list[ServedRequest] = []
    feedback: list[Feedback] = []
    for number, (question, said) in enumerate(questions.items()):
        rollout = make_rollout(
            rollout_id=f"r{number}",
            run_id="serve-1",
            problem_id=f"served/{number}",
            checkpoint_id=None,
            purpose="serve",
            mode="fixed",
        )
        problem = replace(
            make_problem(number), problem_id=f"served/{number}", question=question, reference=""
        )
        answered.append(
            Answered(
                rollout=replace(rollout, score=None),
                labels=naive_labels(rollout.trace),
                problem=problem,
                embedding=np.zeros(384, dtype=np.float32),
            )
        )
        requests.append(
            make_request(f"q{number}", run_id="serve-1", rollout_id=f"r{number}", client="alice")
        )
        feedback += [
            Feedback(
                feedback_id=f"f{number}.{place}",
                request_id=f"q{number}",
                client="alice",
                score=score,
                reference=reference,
                comment=None,
                given_at=T0 + place,
            )
            for place, (score, reference) in enumerate(said)
        ]
    run = replace(make_run("serve-1"), kind="serve", status="completed", ended_at=T0 + 9)
    return Served(run=run, answered=answered, requests=requests, feedback=feedback)


@pytest.fixture
def store(empty: Warehouse, tmp_path: Path) -> Callable[[dict[str, list[Said]]], Warehouse]:
    def stored(questions: dict[str, list[Said]]) -> Warehouse:
        write_served(tmp_path / "landed", served(questions))
        assert merge_served(empty, tmp_path / "landed") == len(questions)
        assert merge_served(empty, tmp_path / "landed") == 0
        return empty

    return stored


@pytest.mark.slow
def test_the_latest_reference_of_a_question_is_its_answer(
    store: Callable[[dict[str, list[Said]]], Warehouse], tmp_path: Path
) -> None:
    warehouse = store(
        {
            "What is 1 + 1?": [(0.0, "3"), (1.0, "2"), (1.0, None)],
            "What is 2 + 2?": [(1.0, None)],
            "(not kept)": [(None, "5")],
            "sha256:" + 64 * "a": [(None, "5")],
        }
    )
    target = tmp_path / "traffic.parquet"
    for _ in range(2):
        assert export_questions(warehouse, target) == 1
    assert pl.read_parquet(target).to_dicts() == [
        {"question": "What is 1 + 1?", "reference": "2", "asked": 1}
    ]
    latest = warehouse.query("FROM answer_feedback WHERE request_id = 'q0'").to_dicts()[0]
    assert (latest["score"], latest["reference"], latest["statements"]) == (1.0, "2", 3)
    assert known_request(warehouse, "q3")
    assert not known_request(warehouse, "q4")
    cost = sum(warehouse.query("SELECT cost_usd FROM rollouts")["cost_usd"].to_list())
    assert spent_since(warehouse, T0)["alice"] == pytest.approx(cost)
    assert spent_since(warehouse, T0 + 1) == {}
    assert [result.name for result in warehouse.audit() if result.rows.height] == []


@pytest.mark.slow
def test_without_a_reference_there_is_nothing_to_learn_from(
    store: Callable[[dict[str, list[Said]]], Warehouse], tmp_path: Path
) -> None:
    warehouse = store({"What is 2 + 2?": [(1.0, None)]})
    with pytest.raises(WarehouseError, match="nobody has said the right answer"):
        export_questions(warehouse, tmp_path / "traffic.parquet")
    assert not (tmp_path / "traffic.parquet").exists()
