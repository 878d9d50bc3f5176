"""Files as data sets publish them and as spreadsheets export them, and options in every shape."""

import json
from pathlib import Path

import pytest

from lamas.benchmarks import Benchmark, build_benchmark, settings_from
from lamas.benchmarks.options import options_of
from lamas.errors import BenchmarkError

ROWS = [{"id": n, "question": f"What is {n} + {n}?", "answer": str(2 * n)} for n in range(4)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
HEAD = "id,question,answer\n"
TABLE = HEAD + "".join(f'{n},"What is {n} + {n}?",{2 * n}\n' for n in range(4))
SHAPES: dict[str, tuple[str, bytes]] = {
    "JSON Lines": ("a.jsonl", LINES.encode()),
    "JSON Lines with a byte-order mark": ("a.jsonl", LINES.encode("utf-8-sig")),
    "JSON Lines called JSON": ("a.json", LINES.encode()),
    "a JSON list": ("a.json", json.dumps(ROWS).encode()),
    "a JSON list called JSON Lines": ("a.jsonl", json.dumps(ROWS, indent=1).encode()),
    "an object with one list": ("a.json", json.dumps({"canary": "x", "examples": ROWS}).encode()),
    "an indented object with one list": (
        "a.json", json.dumps({"n": [1, 2], "data": ROWS}, indent=2).encode(),
    ),
    "CSV": ("a.csv", TABLE.encode()),
    "CSV with a byte-order mark": ("a.csv", TABLE.encode("utf-8-sig")),
    "CSV of Windows lines": ("a.csv", TABLE.replace("\n", "\r\n").encode()),
    "CSV with semicolons": ("a.csv", TABLE.replace(",", ";").encode()),
    "CSV that names its separator": ("a.csv", ("sep=;\n" + TABLE.replace(",", ";")).encode()),
    "CSV in UTF-16": ("a.csv", TABLE.encode("utf-16")),
    "CSV with empty rows and columns": (
        "a.csv", (TABLE.replace("\n", ",,\n") + ",,,,\n,,,,\n").encode(),
    ),
    "tabs": ("a.tsv", TABLE.replace(",", "\t").encode()),
    "a name with brackets and a star": ("a [1] *.csv", TABLE.encode()),
}  # fmt: skip


def loaded(path: str, **settings: str) -> Benchmark:
    return build_benchmark(settings_from({"kind": "file", "path": path, **settings}))


@pytest.mark.parametrize("shape", SHAPES)
def test_one_content_is_one_version_in_every_shape(tmp_path: Path, shape: str) -> None:
    (tmp_path / "plain.jsonl").write_text(LINES)
    name, content = SHAPES[shape]
    (tmp_path / name).write_bytes(content)
    assert loaded(str(tmp_path / name)).load() == loaded(str(tmp_path / "plain.jsonl")).load()


def test_a_windows_code_page_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("question;answer\nWie groß?;7\n".encode("cp1252"))
    assert loaded(str(tmp_path / "a.csv")).load()[0].question == "Wie groß?"


def test_a_cell_with_lines_and_quotes_keeps_the_line_of_the_next(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('question,answer\n"two\nlines, ""quoted""",7\nnone,\n')
    with pytest.raises(BenchmarkError, match="line 4: 'answer' is missing"):
        loaded(str(path)).load()


def test_a_home_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.jsonl").write_text(LINES)
    assert len(loaded("~/a.jsonl").load()) == 4


def test_half_a_character_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"question": "a\\ud83d b\\ud83d\\ude00", "answer": "7"}\n')
    (problem,) = loaded(str(tmp_path / "a.jsonl")).load()
    assert problem.question == "a\ufffd b😀"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", '{"a": [{"x": 1}], "b": [{"x": 1}]}', "holds 2: 'a', 'b'"),
        ("a.json", '{"a": 1}', "holds 0: none"),
        ("a.json", "[1, 2]", "entry 1 of its list is not a JSON object"),
        ("a.jsonl", '{"question": ' + "[" * 100_000, "nested too deeply"),
        ("a.csv", "question,answer\n1,2,3\n", "line 2 has 3 cells under 2 columns"),
        ("a.csv", "answer,answer\n1,2\n", "two columns 'answer'"),
        ("a.csv", 'question,answer\n"a,1\n', "is not CSV"),
    ],
)
def test_a_file_that_is_no_table_is_one_sentence(
    tmp_path: Path, name: str, content: str, said: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(BenchmarkError, match=said) as caught:
        loaded(str(tmp_path / name)).load()
    assert "\n" not in str(caught.value)


def test_equal_ids_in_two_files_never_mix_problems(tmp_path: Path) -> None:
    other = [{**row, "answer": str(2 * n + 1)} for n, row in enumerate(ROWS)]
    (tmp_path / "a.jsonl").write_text(LINES)
    (tmp_path / "b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in other))
    first, second = (loaded(str(tmp_path / name)).load() for name in ("a.jsonl", "b.jsonl"))
    assert not {p.problem_id for p in first} & {p.problem_id for p in second}
    # The side a question is on depends on its text alone: nothing trained on is tested elsewhere.
    assert [p.split for p in first] == [p.split for p in second]


@pytest.mark.parametrize(
    ("cell", "texts"),
    [
        (["three", "four"], ("three", "four")),
        ("['three', 'four']", ("three", "four")),
        ('["three", "four"]', ("three", "four")),
        ("['three' 'four']", ("three", "four")),
        ("['it\\'s' \"two\"]", ("it\\'s", "two")),
        (["A)3", "B)4"], ("3", "4")),
        (["(A) 3", "(B) 4"], ("3", "4")),
        (["A. 3", "B. 4"], ("3", "4")),
        (["A is right", "B is right"], ("A is right", "B is right")),
        ("three|four", ("three", "four")),
        ("three\nfour", ("three", "four")),
        ({"label": ["1", "2"], "text": ["three", "four"]}, ("three", "four")),
        ({"A": "three", "B": "four", "C": None}, ("three", "four")),
        ([3, 4.0], ("3", "4")),
        (2, ("", "")),
        ("2", ("", "")),
    ],
)
def test_options_are_read_in_every_shape(cell: object, texts: tuple[str, ...]) -> None:
    options = options_of(cell)
    assert options is not None
    assert options.texts == texts


@pytest.mark.parametrize("cell", [None, "", [], 0, 27, True, "three", [""], ["a"] * 27, 1.5])
def test_what_is_no_list_of_options_is_refused(cell: object) -> None:
    assert options_of(cell) is None


async def test_letters_are_not_doubled_and_their_number_is_known(tmp_path: Path) -> None:
    rows = [
        {"q": "2+3?", "options": ["A)5", "B)6", "C)7"], "correct": "A"},
        {"q": "3+3?\nA. 5\nB. 6", "options": 2, "correct": "B"},
        {"q": "3+4?", "options": {"label": ["1", "2"], "text": ["6", "7"]}, "correct": "2"},
    ]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    benchmark = loaded(
        str(tmp_path / "a.json"),
        question="q", answer="correct", choices="options", scorer="choice", family="text",
    )  # fmt: skip
    own, counted, labelled = benchmark.load()
    assert own.question == "2+3?\n\nA. 5\nB. 6\nC. 7"
    assert counted.question == "3+3?\nA. 5\nB. 6"
    assert (len(own.choices), len(counted.choices), labelled.reference) == (3, 2, "B")
    assert (await benchmark.score(own, "The answer is (D).")).extracted is None
    assert (await benchmark.score(own, "The answer is 5.")).value == 1.0
    assert (await benchmark.score(counted, "The answer is (B).")).value == 1.0
