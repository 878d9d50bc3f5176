"""Files of recorded answers that were made to do harm, or have a name that is a pattern."""

import json
import os
from pathlib import Path

import polars as pl
import pytest

from lamas.errors import ConfigurationError
from lamas.llm.recorded.answers import read_answers

pytestmark = pytest.mark.attack

ROW = {"question": "q", "operator": "Generate", "model": "m", "sample": 0, "text": "right"}


def lines(path: Path, **changes: object) -> Path:
    path.write_text(json.dumps({**ROW, **changes}) + "\n")
    return path


def texts(path: Path) -> list[str]:
    return read_answers(path)._columns["text"]  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("name", ["a[1]", "a?", "{a,b}"])
@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_a_name_is_a_name_and_no_pattern(tmp_path: Path, name: str, ending: str) -> None:
    for other in ("a1", "a", "b", "ab"):
        lines(tmp_path / f"{other}.jsonl", text="of another file")
        pl.read_ndjson(tmp_path / f"{other}.jsonl").write_parquet(tmp_path / f"{other}.parquet")
    path = tmp_path / f"{name}.{ending}"
    if ending == "jsonl":
        lines(path)
    else:
        path.write_bytes(b"")
        with path.open("wb") as file:
            pl.DataFrame([ROW]).write_parquet(file)
    assert texts(path) == ["right"]
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_answers(tmp_path / f"*.{ending}")


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_pipes_and_devices_are_not_waited_for(tmp_path: Path, ending: str) -> None:
    os.mkfifo(tmp_path / f"pipe.{ending}")
    (tmp_path / f"device.{ending}").symlink_to("/dev/zero")
    for name in ("pipe", "device"):
        with pytest.raises(ConfigurationError, match="it is no plain file"):
            read_answers(tmp_path / f"{name}.{ending}")


@pytest.mark.parametrize("written", ["a\\ud800b", "a\\u0000b"])
def test_half_characters_and_nul_are_replaced(tmp_path: Path, written: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({**ROW, "text": "@"}).replace("@", written) + "\n")
    assert texts(path) == ["a\ufffdb"]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("sample", 1 << 63),
        ("sample", -1),
        ("input_tokens", 1 << 62),
        ("output_tokens", -1),
        ("seconds", 1e300),
    ],
)
def test_numbers_that_cannot_be_are_named(tmp_path: Path, column: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=rf"{column}=.* must lie in 0\.\."):
        read_answers(lines(tmp_path / "a.jsonl", **{column: value}))


def test_depth_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"question":' + "[" * 100_000 + "]" * 100_000 + "}\n")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_answers(tmp_path / "a.jsonl")
