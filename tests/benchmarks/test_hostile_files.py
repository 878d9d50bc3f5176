"""Data files and paths that were made to do harm: a sentence, or text that can be kept."""

import gzip
import json
import os
from pathlib import Path

import pytest

from lamas.benchmarks import Benchmark, build_benchmark, settings_from
from lamas.errors import BenchmarkError

pytestmark = pytest.mark.attack


def loaded(path: Path | str, **settings: str) -> Benchmark:
    return build_benchmark(settings_from({"kind": "file", "path": str(path), **settings}))


def nested(levels: int, kind: str) -> str:
    return "[" * levels + "]" * levels if kind == "[" else '{"a":' * levels + "1" + "}" * levels


@pytest.mark.parametrize("kind", ["[", "{"])
@pytest.mark.parametrize("levels", [150, 400, 900, 5_000, 100_000])
@pytest.mark.parametrize("half", ["", "\\ud83d"])
def test_depth_is_a_sentence_wherever_it_stands(
    tmp_path: Path, kind: str, levels: int, half: str
) -> None:
    deep = nested(levels, kind)
    row = f'{{"question":"{half}?","answer":"1","extra":{deep}}}\n'
    files = {"row.jsonl": row, "asked.jsonl": f'{{"question":[1,{deep}],"answer":1}}\n'}
    for name, text in {**files, "row.json": f"[{row}]", "whole.json": deep}.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(BenchmarkError, match=r"nested too deeply|exactly one list") as raised:
            loaded(tmp_path / name).load()
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('"a \\ud83d\\ude00 b"', "a \U0001f600 b"),
        ('"a \\ud800 b"', "a \ufffd b"),
        ('"a\\u0000b"', "a\ufffdb"),
        ('["a", "\\udfff"]', '["a", "\ufffd"]'),
        ('{"k\\udfff": 1}', '{"k\ufffd": 1}'),
        ('"[/x] [bold] [/]"', "[/x] [bold] [/]"),
        # Shown harmlessly, and kept as it is: it may be what the question is about.
        ('"a \\u001b]52;c;QQ\\u0007"', "a \x1b]52;c;QQ\x07"),
    ],
)
def test_what_is_kept_is_text(tmp_path: Path, written: str, read: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"question":{written},"answer":"1","note":{written}}}\n')
    problem = loaded(path).load()[0]
    assert problem.question == read
    assert dict(problem.metadata)["note"] == read
    read.encode()


def test_nul_in_a_table_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('question,answer\n"a\0b",1\n')
    assert loaded(tmp_path / "a.csv").load()[0].question == "a\ufffdb"


@pytest.mark.parametrize("whole", ["3", '"text"', "null", "true", "[1]", '[{"a":[]}, 2]'])
def test_a_value_that_is_no_table_is_a_sentence(tmp_path: Path, whole: str) -> None:
    (tmp_path / "a.json").write_text(whole)
    with pytest.raises(BenchmarkError, match=r"a list of problems|is not a JSON object"):
        loaded(tmp_path / "a.json").load()


def test_a_few_bytes_that_unpack_to_many_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lamas.benchmarks.text_tables.LARGEST_UNPACKED", 1 << 20)
    row = json.dumps({"question": "?", "answer": "1"})
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(f"{row}\n".encode() + b" " * (2 << 20)))
    with pytest.raises(BenchmarkError, match="unpacks to more than 1 MiB; unpack it yourself"):
        loaded(path).load()
    path.write_bytes(gzip.compress(f"{row}\n".encode()))
    assert len(loaded(path).load()) == 1


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("file:///etc/passwd.csv", "name the file by its path alone"),
        ("FILE:///etc/*.parquet", "name the file by its path alone"),
        ("/tmp/" + "a" * 5000 + ".jsonl", "cannot be found"),
        ("~nobody-has-this-name/a.jsonl", "cannot be found"),
        ("/tmp/a\0b.jsonl", "cannot be found"),
        ("/tmp/\ud800.jsonl", "cannot be found"),
        ("/etc/passwd/a.jsonl", "does not exist"),
        ("/dev/zero", "is a pipe or device"),
        (".", "is a folder"),
    ],
)
def test_paths_to_nothing_that_can_be_read(path: str, said: str) -> None:
    with pytest.raises(BenchmarkError, match=said) as raised:
        loaded(path).load()
    assert len(str(raised.value)) < 1000


def test_pipes_devices_and_rings_of_links_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "device.jsonl").symlink_to("/dev/zero")
    (tmp_path / "ring.jsonl").symlink_to(tmp_path / "ring.jsonl")
    for name, said in {"pipe": "is a pipe", "device": "is a pipe", "ring": "be found"}.items():
        with pytest.raises(BenchmarkError, match=said):
            loaded(tmp_path / f"{name}.jsonl").load()
