"""What a file of recorded answers must hold, and what is said of one that does not."""

from pathlib import Path

import polars as pl
import pytest

from lamas.errors import ConfigurationError
from lamas.llm.recorded import declared_speeds, read_answers
from tests.llm.recorded.files import MODEL, problem, row, write


@pytest.mark.parametrize("name", ["answers.parquet", "answers.jsonl"])
def test_answers_are_found_by_question_operator_and_model(tmp_path: Path, name: str) -> None:
    rows = [
        row(text="b", sample=1),
        row(text="a"),
        row(operator="GenerateCoT", text="c", output_tokens=7),
        row(question="Why?", text="d"),
        row(model="other", text="e"),
    ]
    answers = read_answers(write(tmp_path / name, rows))
    found = answers.samples(answers.key(problem(), "Generate", MODEL), "any prompt")
    assert [(answer.text, answer.sample) for answer in found] == [("a", 0), ("b", 1)]
    cot = answers.samples(answers.key(problem(), "GenerateCoT", MODEL), "any prompt")
    assert [(answer.text, answer.output_tokens, answer.seconds) for answer in cot] == [
        ("c", 7, None)
    ]
    assert answers.samples(answers.key(problem("Who?"), "Generate", MODEL), "") == ()
    assert answers.pairs == {("Generate", MODEL), ("GenerateCoT", MODEL), ("Generate", "other")}


def test_questions_go_by_id_where_the_file_has_no_text(tmp_path: Path) -> None:
    rows = [{**row(text="yes"), "question_id": 7}]
    del rows[0]["question"]
    answers = read_answers(write(tmp_path / "answers.parquet", rows))
    key = answers.key(problem("Anything?", question_id="7"), "Generate", MODEL)
    assert answers.samples(key, "")[0].text == "yes"
    with pytest.raises(ConfigurationError, match=r"knows questions by question_id, and problem"):
        answers.key(problem("Anything?"), "Generate", MODEL)


def test_a_prompt_on_record_answers_no_other_prompt(tmp_path: Path) -> None:
    rows = [row(text="for one", prompt_digest="one"), row(text="for any", prompt_digest=None)]
    answers = read_answers(write(tmp_path / "answers.parquet", rows))
    key = answers.key(problem(), "Generate", MODEL)
    assert [answer.text for answer in answers.samples(key, "one")] == ["for one"]
    assert [answer.text for answer in answers.samples(key, "two")] == ["for any"]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            [{"question": "How?", "operator": "Generate", "text": "x"}],
            "lacks the column model",
        ),
        ([{"operator": "G", "model": "m", "sample": 0, "text": "x"}], "question or question_id"),
        ([row(sample="first")], "column sample holds String, recorded answers want whole numbers"),
        ([row(text=1.5)], "column text holds Float64, recorded answers want text"),
        ([row(seconds="fast")], "column seconds holds String, recorded answers want numbers of s"),
        (
            [row(), row(text="else")],
            "2 different answers .* operator Generate, model old-model",
        ),
        ([row(), row(text=None, sample=1)], "column text is empty in 1 of 2 rows"),
        ([row(output_tokens=-3)], "output_tokens=-3 must lie in 0.."),
        ([row(seconds=float("nan"))], "seconds=nan must lie in 0.."),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence(
    tmp_path: Path, rows: list[dict[str, object]], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        read_answers(write(tmp_path / "answers.parquet", rows))
    assert "\n" not in str(caught.value)


def test_a_row_said_twice_is_one_answer(tmp_path: Path) -> None:
    answers = read_answers(write(tmp_path / "answers.parquet", [row(), row(), row(sample=1)]))
    assert len(answers.samples(answers.key(problem(), "Generate", MODEL), "")) == 2


def test_what_is_no_file_of_answers_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"answers\.csv is no file of recorded answers"):
        read_answers(tmp_path / "answers.csv")
    with pytest.raises(ConfigurationError, match=r"none\.parquet cannot be read"):
        read_answers(tmp_path / "none.parquet")
    broken = tmp_path / "broken.parquet"
    broken.write_text("no parquet")
    with pytest.raises(ConfigurationError, match=r"broken\.parquet cannot be read"):
        read_answers(broken)
    pl.DataFrame(schema={"question": pl.String}).write_parquet(tmp_path / "empty.parquet")
    with pytest.raises(ConfigurationError, match="hold no row"):
        read_answers(tmp_path / "empty.parquet")


@pytest.mark.slow
def test_declared_speeds_are_those_of_the_file(tmp_path: Path) -> None:
    assert all(speed.seconds(100) > speed.seconds(0) for speed in declared_speeds().values())
    path = tmp_path / "speeds.yaml"
    path.write_text("fast: {time_to_first_token_seconds: 0.5, tokens_per_second: 100}")
    assert declared_speeds(path)["fast"].seconds(50) == 1.0
    path.write_text("fast: {time_to_first_token_seconds: 0.5, tokens_per_second: 0}")
    with pytest.raises(ConfigurationError, match=r"tokens_per_second=0\.0 must be > 0"):
        declared_speeds(path)
    path.write_text("fast: {tokens_per_second: 10}")
    with pytest.raises(ConfigurationError, match=r"fast\.time_to_first_token_seconds"):
        declared_speeds(path)
