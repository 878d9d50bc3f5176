"""Files with categories, options listed or counted, and rows of several benchmarks."""

import json
from pathlib import Path

import pytest

from lamas.benchmarks import BenchmarkSettings, build_benchmark
from lamas.domain import Problem
from lamas.errors import BenchmarkError
from tests.scripted import ScriptedSandbox

ROWS: list[dict[str, object]] = [
    {"of": "a", "question": "Which?\nA. x\nB. y", "answer": "B", "options": 2, "topic": "law"},
    {"of": "a", "question": "What?\nA. u\nB. v", "answer": "A", "options": 2, "topic": "art"},
    {"of": "b", "question": "Where?", "answer": "C", "options": 3, "topic": "art"},
]


def _load(tmp_path: Path, rows: list[dict[str, object]], **settings: object) -> tuple[Problem, ...]:
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    chosen = {"choices": "options", "category": "topic", "scorer": "choice", **settings}
    return build_benchmark(
        BenchmarkSettings(kind="file", path=str(path), family="text", **chosen),  # pyright: ignore[reportArgumentType]
        sandbox=ScriptedSandbox(),  # pyright: ignore[reportArgumentType]
    ).load()


def test_counted_options_leave_the_question_as_it_is(tmp_path: Path) -> None:
    problems = _load(tmp_path, ROWS, only={"of": "a"})
    assert [problem.question for problem in problems] == [row["question"] for row in ROWS[:2]]
    assert [problem.reference for problem in problems] == ["B", "A"]
    assert [dict(problem.metadata) for problem in problems] == [
        {"options": "2", "category": "law"},
        {"options": "2", "category": "art"},
    ]


def test_listed_options_are_shown_and_counted(tmp_path: Path) -> None:
    rows = [{**ROWS[2], "options": ["x", "y", "z"]}, {**ROWS[0], "options": ["x", "y"]}]
    first, second = _load(tmp_path, rows)
    assert first.question == "Where?\n\nA. x\nB. y\nC. z"
    assert (first.metadata["options"], second.metadata["options"]) == ("3", "2")


@pytest.mark.parametrize(
    ("changes", "settings", "sentence"),
    [
        ({"options": "x, y"}, {}, "'options' is neither a list"),
        ({"options": 0}, {}, "'options' is neither a list"),
        ({"options": []}, {}, "'options' is neither a list"),
        ({"topic": None}, {}, "'topic' is missing"),
        ({}, {"category": "subject"}, "no column 'subject'"),
        ({}, {"only": {"benchmark": "a"}}, r"no column 'benchmark' to select benchmark=a by: .*~"),
        ({}, {"only": {"of": "c"}}, "has no row with of=c"),
    ],
)
def test_a_source_that_does_not_fit_is_refused(
    tmp_path: Path, changes: dict[str, object], settings: dict[str, object], sentence: str
) -> None:
    with pytest.raises(BenchmarkError, match=sentence):
        _load(tmp_path, [{**ROWS[0], **changes}], **settings)
