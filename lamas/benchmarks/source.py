"""How a table of problems is read from a file or the hub, and what is said when it cannot be."""

import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import polars as pl

from lamas.errors import BenchmarkError

REMOTE = re.compile(r"^[a-z0-9]+://")
SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz", ".csv", ".csv.gz", ".parquet")
MISSING_NAMES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class SourceTable:
    """The rows of one source, in order."""

    path: str
    rows: tuple[Mapping[str, object], ...]
    columns: tuple[str, ...]

    def require(self, *columns: str) -> None:
        """BenchmarkError, listing what there is, unless all `columns` exist."""
        for column in columns:
            if column not in self.columns:
                listed = ", ".join(self.columns[:MISSING_NAMES_SHOWN])
                raise BenchmarkError(
                    f"{self.path} has no column {column!r}; its columns are: {listed}"
                )

    def text(self, index: int, column: str) -> str:
        """The value as stripped text; BenchmarkError naming the line when there is none."""
        value = as_text(self.rows[index][column])
        if value is None or not value.strip():
            raise BenchmarkError(f"{self.where(index)}: {column!r} is missing; fill or remove it")
        return value.strip()

    def where(self, index: int) -> str:
        """Names the place of a row the way an editor does."""
        line = _line_number(self.path, index)
        return f"{self.path}, row {index + 1}" if line is None else f"{self.path}, line {line}"


def as_text(value: object) -> str | None:
    """A cell as text; whole floats lose their `.0`, nothing stays None."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str | int | float):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def as_list(value: object) -> list[str] | None:
    """A list cell as texts; None when it is no list."""
    if not isinstance(value, list | tuple):
        return None
    return [as_text(item) or "" for item in cast("Sequence[object]", value)]


def read_table(path: str) -> SourceTable:
    """Read a JSONL, CSV or Parquet source; one clear BenchmarkError when that is impossible."""
    remote = REMOTE.match(path) is not None
    resolved = path if remote else str(Path(path).expanduser())
    if not remote:
        _check_file(resolved)
    if not resolved.lower().endswith(SUFFIXES):
        raise BenchmarkError(
            f"{path} is of an unknown format; its name should end in one of {', '.join(SUFFIXES)}"
        )
    try:
        frame = _read_frame(resolved)
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise BenchmarkError(_explain(resolved, remote, error)) from error
    if frame.is_empty():
        raise BenchmarkError(f"{path} is empty: a benchmark needs at least one problem")
    return SourceTable(
        path=resolved, rows=tuple(frame.iter_rows(named=True)), columns=tuple(frame.columns)
    )


def _check_file(path: str) -> None:
    file = Path(path)
    if not file.exists():
        raise BenchmarkError(f"benchmark file {path} does not exist; check the path")
    if not file.is_file():
        raise BenchmarkError(f"benchmark source {path} is a folder; name a file in it")
    if file.stat().st_size == 0:
        raise BenchmarkError(f"{path} is empty: a benchmark needs at least one problem")


def _read_frame(path: str) -> pl.DataFrame:
    lowered = path.lower()
    if lowered.endswith(".parquet"):
        return pl.read_parquet(path)
    if lowered.endswith((".csv", ".csv.gz")):
        # Text stays as written: "007" and "1.50" must not become numbers on the way.
        return pl.read_csv(path, infer_schema=False)
    return pl.read_ndjson(path, infer_schema_length=None)


def _explain(path: str, remote: bool, error: Exception) -> str:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if remote:
        return (
            f"{path} cannot be read ({reason}); check the address and the network, "
            "or download the file and give its local path"
        )
    if path.lower().endswith((".jsonl", ".ndjson", ".gz")) and not path.lower().endswith(".csv.gz"):
        found = _first_bad_line(path)
        if found is not None:
            return found
    return f"{path} cannot be read as its name says ({reason}); check the file"


def _first_bad_line(path: str) -> str | None:
    try:
        lines = list(_lines(path))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        return f"{path} cannot be read ({error}); check the file"
    if not any(line.strip() for line in lines):
        return f"{path} is empty: a benchmark needs at least one problem"
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            return f"{path}, line {number} is not JSON ({error}); correct or remove that line"
        if not isinstance(record, dict):
            return f"{path}, line {number} is not a JSON object; every line must be one problem"
    return None


def _line_number(path: str, index: int) -> int | None:
    """Line of the index-th record of a local JSONL file, whose blank lines are no records."""
    if REMOTE.match(path) or (".jsonl" not in path.lower() and ".ndjson" not in path.lower()):
        return None
    seen = -1
    for number, line in enumerate(_lines(path), start=1):
        seen += bool(line.strip())
        if seen == index:
            return number
    return None


def _lines(path: str) -> Iterator[str]:
    if path.lower().endswith(".gz"):
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            yield from stream
    else:
        with Path(path).open(encoding="utf-8") as stream:
            yield from stream
