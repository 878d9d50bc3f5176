"""What a warehouse hands out to be given again is found again, and nothing assumed is in it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from lamas.domain import ChatMessage, prompt_digest
from lamas.errors import WarehouseError
from lamas.llm.recorded import read_answers
from tests.factories import Step, make_call, make_problem, make_rollout
from warehouse import Warehouse
from warehouse.replay import export_answers

Store = Callable[..., int]

PROMPT = (ChatMessage(role="user", content="What is 0 + 0?\nAnswer “briefly”."),)
FAST = (ChatMessage(role="user", content="Half a pair: \ud800"),)


def _store(store: Store) -> None:
    said = replace(make_call(7, seconds=0.5), request_messages=PROMPT, response_text="0")
    again = replace(
        make_call(9, seconds=0.75, branch=1), request_messages=PROMPT, response_text="1"
    )
    assumed = replace(
        make_call(5),
        request_messages=FAST,
        response_text="about 0",
        request_model="fast-model",
        seconds_from="assumed",
        usage_estimated=True,
    )
    failed = make_call(error="TimeoutError: no answer")
    store(
        make_rollout(
            [
                [
                    Step(operator="MultiGenerateCoT", calls=(said, again)),
                    Step(operator="GenerateCoT@fast", calls=(assumed,)),
                    Step(operator="Programmer", calls=(failed,)),
                ]
            ],
            mode="fixed",
        ),
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["answers.parquet", "answers.jsonl"])
def test_exported_answers_are_found_by_what_was_asked(
    warehouse: Warehouse, store: Store, tmp_path: Path, name: str
) -> None:
    _store(store)
    file = tmp_path / "new" / name
    assert export_answers(warehouse, file) == 3
    answers = read_answers(file)
    key = answers.key(make_problem(0), "MultiGenerateCoT", "gpt-4o-mini")
    found = answers.samples(key, prompt_digest(PROMPT))
    assert [(item.text, item.sample, item.output_tokens) for item in found] == [
        ("0", 0, 7),
        ("1", 1, 9),
    ]
    assert found[0].seconds == pytest.approx(0.5, abs=1e-6)
    assert found[0].finish_reason == "stop"
    assert answers.samples(key, prompt_digest(FAST)) == ()
    fast = answers.key(make_problem(0), "GenerateCoT", "fast-model")
    (assumed,) = answers.samples(fast, prompt_digest(FAST))
    assert (assumed.seconds, assumed.output_tokens, assumed.input_tokens) == (None, None, None)


@pytest.mark.slow
def test_an_answer_used_by_two_rollouts_is_one(
    warehouse: Warehouse, store: Store, tmp_path: Path
) -> None:
    step = Step(operator="Generate", calls=(make_call(),))
    store(make_rollout([[step]]))
    store(make_rollout([[step]], rollout_id="rollout-2", sample_index=1))
    store(make_rollout([[step]], rollout_id="rollout-3", sample_index=2, started_at=1.7e9 + 500))
    assert export_answers(warehouse, tmp_path / "answers.parquet") == 2
    samples = pl.read_parquet(tmp_path / "answers.parquet")["sample"].to_list()
    assert samples == [0, 1]


@pytest.mark.slow
def test_one_run_alone_is_exported_when_asked(
    warehouse: Warehouse, store: Store, tmp_path: Path
) -> None:
    _store(store)
    assert export_answers(warehouse, tmp_path / "one.parquet", run_id="run-1") == 3
    with pytest.raises(WarehouseError, match="no answer of run run-2 that could be given again"):
        export_answers(warehouse, tmp_path / "other.parquet", run_id="run-2")
    assert [path.name for path in tmp_path.glob("*.parquet*")] == ["one.parquet"]


def test_what_cannot_be_exported_leaves_nothing(warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match=r"there is no answer in .*lamas\.duckdb"):
        export_answers(warehouse, tmp_path / "answers.parquet")
    there = tmp_path / "there.jsonl"
    there.write_text("mine")
    with pytest.raises(WarehouseError, match="exists already"):
        export_answers(warehouse, there)
    with pytest.raises(WarehouseError, match="cannot be written"):
        export_answers(warehouse, there / "answers.parquet")
    assert {path.name for path in tmp_path.iterdir()} == {"lamas.duckdb", "there.jsonl"}
    assert there.read_text() == "mine"


@pytest.mark.slow
def test_runs_say_what_was_assumed(warehouse: Warehouse, store: Store) -> None:
    _store(store)
    assert warehouse.query("FROM assumed_figures").rows() == [("run-1", 4, 1, 0, 1)]


@pytest.mark.slow
def test_problems_say_their_category(warehouse: Warehouse) -> None:
    rows = warehouse.query("SELECT DISTINCT category, options FROM problem_categories").rows()
    assert rows == [(None, None)]
