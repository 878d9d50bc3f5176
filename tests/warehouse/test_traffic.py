"""What people asked and said becomes a file of problems; what was not kept does not."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from lamas.domain.served import Feedback
from lamas.errors import WarehouseError
from tests.factories import T0
from tests.served import Said, asked_questions
from warehouse import Warehouse
from warehouse.served import known_request, merge_served, spent_since, write_served
from warehouse.sql_files import QUERIES
from warehouse.traffic import export_questions
from warehouse.writer import Writer


@pytest.fixture
def store(empty: Warehouse, tmp_path: Path) -> Callable[[dict[str, list[Said]]], Warehouse]:
    def stored(questions: dict[str, list[Said]]) -> Warehouse:
        write_served(tmp_path / "landed", asked_questions(questions))
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


@pytest.mark.slow
def test_a_person_is_believed_before_a_judge(
    store: Callable[[dict[str, list[Said]]], Warehouse], tmp_path: Path
) -> None:
    warehouse = store(
        {"What is 1 + 1?": [(None, "2")], "What is 2 + 2?": [], "What is 3 + 3?": [(0.0, None)]}
    )
    given = [
        Feedback(
            feedback_id=f"judge-{request_id}",
            request_id=request_id,
            client="judge:strong",
            score=1.0,
            reference="4",
            comment=None,
            given_at=T0 + 50,
        )
        for request_id in ("q0", "q1", "q2")
    ]
    for _ in range(2):
        Writer(warehouse).add_feedback(given)
    found = warehouse.query(
        "SELECT score, reference, statements, judged FROM answer_feedback ORDER BY request_id"
    )
    # The mark alone is the judge's: of that the person said nothing.
    assert found.rows() == [(1.0, "2", 2, False), (1.0, "4", 1, True), (0.0, "4", 2, False)]
    export_questions(warehouse, tmp_path / "traffic.parquet")
    assert dict(pl.read_parquet(tmp_path / "traffic.parquet")["question", "reference"].rows()) == {
        "What is 1 + 1?": "2",
        "What is 2 + 2?": "4",
        "What is 3 + 3?": "4",
    }
    compared = warehouse.query((QUERIES / "who_is_right_judge_or_people.sql").read_text())
    assert compared.rows() == [("judge:strong", 1, 1.0, 0.0, 0.0)]
