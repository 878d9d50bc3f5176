"""Loading the file-backed benchmarks, and the sentence a broken source is answered with."""

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
import pytest

from lamas.benchmarks import Benchmark, BenchmarkSettings, build_benchmark, settings_from
from lamas.errors import BenchmarkError

SUMS = [{"question": f"What is {n} + {n}?", "answer": 2 * n, "level": "easy"} for n in range(10)]
GSM8K = [
    {"question": f"Ann has {n} pens and buys {n}.", "answer": f"{n}+{n}={2 * n}\n#### {2 * n:,}"}
    for n in range(500, 510)
]
MATH = [
    {
        "problem": f"Halve {n}.",
        "level": "Level 1",
        "type": "Algebra",
        "solution": f"It is $\\boxed{{\\frac{{{n}}}{{2}}}}$.",
    }
    for n in range(1, 11)
]


def write(path: Path, rows: Sequence[Mapping[str, object]]) -> str:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    if path.suffix == ".gz":
        with gzip.open(path, "wt", encoding="utf-8") as stream:
            stream.write(text)
    else:
        path.write_text(text, encoding="utf-8")
    return str(path)


def file_of(path: str, **settings: str) -> Benchmark:
    return build_benchmark(settings_from({"kind": "file", "path": path, **settings}))


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.csv", "a.parquet", "a.ndjson"])
async def test_one_content_is_one_version_whatever_the_format(tmp_path: Path, name: str):
    plain = file_of(write(tmp_path / "plain.jsonl", SUMS)).load()
    path = tmp_path / name
    frame = pl.DataFrame(SUMS)
    if name.endswith(".csv"):
        frame.write_csv(path)
    elif name.endswith(".parquet"):
        frame.write_parquet(path)
    else:
        write(path, SUMS)
    benchmark = file_of(str(path))
    problems = benchmark.load()
    assert problems == plain
    assert [problem.reference for problem in problems] == [str(2 * n) for n in range(10)]
    assert sum(problem.split == "train" for problem in problems) == 2
    assert problems[0].metadata == {"level": "easy"}
    assert (await benchmark.score(problems[3], "It is 6.0 .")).value == 1.0


async def test_a_template_joins_columns(tmp_path: Path):
    rows: list[dict[str, object]] = [{"Body": "Ann has 3 pens.", "Ask": "How many?", "A": 3.0}]
    benchmark = file_of(write(tmp_path / "t.jsonl", rows), question="{Body} {Ask}", answer="A")
    (problem,) = benchmark.load()
    assert problem.question == "Ann has 3 pens. How many?"
    assert problem.reference == "3"


@pytest.mark.parametrize("answer", ["B", 1, "(b)", "four"])
async def test_choices_are_lettered_and_references_are_letters(tmp_path: Path, answer: str | int):
    rows: list[dict[str, object]] = [
        {"question": "2+2?", "answer": answer, "options": ["three", "four"]}
    ]
    benchmark = file_of(
        write(tmp_path / "c.jsonl", rows), scorer="choice", choices="options", family="text"
    )
    (problem,) = benchmark.load()
    assert problem.question == "2+2?\n\nA. three\nB. four"
    assert problem.reference == "B"
    assert (await benchmark.score(problem, "The answer is (B).")).value == 1.0
    assert (await benchmark.score(problem, "A")).value == 0.0


async def test_gsm8k(tmp_path: Path):
    benchmark = build_benchmark(
        BenchmarkSettings(kind="gsm8k", path=write(tmp_path / "g.jsonl", GSM8K))
    )
    problems = benchmark.load()
    assert [problem.reference for problem in problems[:2]] == ["1000", "1002"]
    assert problems[0].metadata["solution"] == "500+500=1000"
    assert problems[0].problem_id.startswith("gsm8k/")
    for problem, row in zip(problems, GSM8K, strict=True):
        assert (await benchmark.score(problem, row["answer"])).value == 1.0


async def test_math(tmp_path: Path):
    benchmark = build_benchmark(
        BenchmarkSettings(kind="math", path=write(tmp_path / "m.jsonl", MATH))
    )
    problems = benchmark.load()
    assert problems[0].reference == r"\frac{1}{2}"
    assert problems[0].metadata["level"] == "Level 1"
    for problem, row in zip(problems, MATH, strict=True):
        assert (await benchmark.score(problem, str(row["solution"]))).value == 1.0
    assert (await benchmark.score(problems[0], "0.5")).value == 1.0
    assert (await benchmark.score(problems[0], problems[2].reference)).value == 0.0


def error_of(benchmark: Benchmark) -> str:
    with pytest.raises(BenchmarkError) as caught:
        benchmark.load()
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_missing_file(tmp_path: Path):
    assert "does not exist" in error_of(file_of(str(tmp_path / "none.jsonl")))


def test_a_folder(tmp_path: Path):
    assert "is a folder" in error_of(file_of(str(tmp_path)))


@pytest.mark.parametrize(
    ("name", "content"),
    [("e.jsonl", ""), ("e.csv", ""), ("e.jsonl", "\n\n"), ("e.csv", "question,answer\n")],
)
def test_an_empty_file(tmp_path: Path, name: str, content: str):
    (tmp_path / name).write_text(content)
    assert "is empty" in error_of(file_of(str(tmp_path / name)))


def test_an_unknown_format(tmp_path: Path):
    (tmp_path / "a.xlsx").write_text("x")
    assert "unknown format" in error_of(file_of(str(tmp_path / "a.xlsx")))


def test_a_wrong_column_lists_what_there_is(tmp_path: Path):
    path = write(tmp_path / "a.jsonl", SUMS)
    message = error_of(file_of(path, answer="solution"))
    assert "no column 'solution'" in message
    assert "question, answer, level" in message


@pytest.mark.parametrize("answer", [None, "", "   "])
@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_row_without_answer_is_named_by_its_line(tmp_path: Path, name: str, answer: str | None):
    lines = [json.dumps({"question": "1+1?", "answer": "2"}), "", ""]
    lines.append(json.dumps({"question": "2+2?", "answer": answer}))
    path = tmp_path / name
    text = "\n".join(lines) + "\n"
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    assert f"{path}, line 4: 'answer' is missing" in error_of(file_of(str(path)))


def test_a_row_without_answer_in_a_table_is_named_by_its_row(tmp_path: Path):
    path = tmp_path / "a.parquet"
    pl.DataFrame({"question": ["a", "b"], "answer": ["1", None]}).write_parquet(path)
    assert "row 2: 'answer' is missing" in error_of(file_of(str(path)))


def test_an_answer_the_scorer_cannot_read(tmp_path: Path):
    path = write(tmp_path / "a.jsonl", [{"question": "Who?", "answer": "nobody"}])
    message = error_of(file_of(path))
    assert "line 1" in message
    assert "scorer number" in message


def test_a_line_that_is_no_json(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"question": "a", "answer": "1"}\n\n{"question": "b", "answer":\n')
    assert "line 3 is not JSON" in error_of(file_of(str(path)))


def test_a_damaged_archive(tmp_path: Path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"question": "a", "answer": "1"}\n')[:-12])
    assert "cannot be read" in error_of(file_of(str(path)))


def test_a_damaged_parquet_file(tmp_path: Path):
    (tmp_path / "a.parquet").write_text("no parquet")
    assert "cannot be read" in error_of(file_of(str(tmp_path / "a.parquet")))


def test_gsm8k_without_its_mark(tmp_path: Path):
    path = write(tmp_path / "g.jsonl", [{"question": "a", "answer": "18"}])
    assert "####" in error_of(build_benchmark(BenchmarkSettings(kind="gsm8k", path=path)))


def test_math_without_a_box(tmp_path: Path):
    path = write(tmp_path / "m.jsonl", [{"question": "a", "answer": "18"}])
    assert r"\boxed" in error_of(build_benchmark(BenchmarkSettings(kind="math", path=path)))


def test_humaneval_without_its_columns(tmp_path: Path):
    path = write(tmp_path / "h.jsonl", SUMS)
    message = error_of(build_benchmark(BenchmarkSettings(kind="humaneval", path=path)))
    assert "no column 'task_id'" in message


def test_an_address_of_the_hub_reaches_polars_which_says_why_it_fails():
    message = error_of(file_of("hf://datasets/lamas-no-such-owner/nothing/test.jsonl"))
    assert "hf://datasets/lamas-no-such-owner/nothing/test.jsonl cannot be read" in message
    assert "huggingface.co" in message or "404" in message or "hf" in message


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "gsm8k"},
        {"kind": "sudoku", "path": "x"},
        {"kind": "file", "path": "x", "scorer": "vibes"},
        {"kind": "file", "path": "x", "family": "poetry"},
        {"kind": "generated"},
        {"kind": "gsm8k", "path": "x", "colour": "red"},
        {"kind": "gsm8k", "path": "x", "split": {"train_size": "many"}},
        {"kind": "generated", "datasets": [{"name": "chain_sum", "weight": 0}]},
        {"kind": "generated", "datasets": [{"name": "chain_sum"}], "size": 0},
    ],
)
def test_senseless_settings_are_one_clear_error(settings: dict[str, object]):
    with pytest.raises(
        BenchmarkError,
        match=r"benchmark setting|no source|names no datasets|is not positive|generates nothing",
    ):
        settings_from(settings)


def test_kind_file_serves_no_programs():
    with pytest.raises(BenchmarkError, match="humaneval"):
        file_of("x.jsonl", family="code")
