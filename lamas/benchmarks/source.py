"""How a table of problems is read from a file or the hub, and what is said when it cannot be."""

import json
import re
import stat
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import polars as pl

from lamas.benchmarks.text_tables import Record, csv_records, json_records, plain_text
from lamas.domain.hygiene import well_formed
from lamas.errors import BenchmarkError

REMOTE = re.compile(r"^[a-z0-9]+://")
LINES = (".jsonl", ".ndjson")
TABLES = (".csv", ".tsv")
SUFFIXES = (
    *(f"{name}{gz}" for name in (*LINES, ".json", *TABLES) for gz in ("", ".gz")),
    ".parquet",
)
MISSING_NAMES_SHOWN = 20
LONGEST_SHOWN = 300
"""Characters of a path or reason that are quoted."""


@dataclass(frozen=True, slots=True)
class SourceTable:
    """The rows of one source, in order."""

    path: str
    rows: tuple[Mapping[str, object], ...]
    columns: tuple[str, ...]
    lines: tuple[int, ...] = ()
    """The line of each row, from 1, where the file has one line a row or more."""

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
        line = f", line {self.lines[index]}" if self.lines else f", row {index + 1}"
        return self.path + line


def as_text(value: object) -> str | None:
    """A cell as text that can be kept; whole floats lose their `.0`, nothing stays None."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list) and len(cast("list[object]", value)) == 1:
        # Some data sets write a single answer as a list of one.
        return as_text(cast("list[object]", value)[0])
    return well_formed(json.dumps(value, ensure_ascii=False, default=str))


def read_table(path: str) -> SourceTable:
    """Read a JSONL, JSON, CSV, TSV or Parquet source; one clear BenchmarkError when that fails."""
    remote = REMOTE.match(path) is not None
    if path.lower().startswith("file:"):
        raise BenchmarkError(f"{path} is an address; name the file by its path alone")
    resolved = path if remote else _checked_file(path)
    lowered = resolved.lower()
    if not lowered.endswith(SUFFIXES):
        raise BenchmarkError(
            f"{path} is of an unknown format; its name should end in one of {', '.join(SUFFIXES)}"
        )
    if remote or lowered.endswith(".parquet"):
        table = _frame_table(resolved, remote)
    else:
        name = lowered.removesuffix(".gz")
        text = plain_text(Path(resolved))
        read = csv_records if name.endswith(TABLES) else json_records
        table = _table(resolved, read(resolved, text))
    if not table.rows:
        raise BenchmarkError(f"{path} is empty: a benchmark needs at least one problem")
    return table


def _checked_file(path: str) -> str:
    try:
        file = Path(path).expanduser()
        status = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise BenchmarkError(f"benchmark file {path} does not exist; check the path") from None
    except (OSError, RuntimeError, ValueError) as error:
        # Endless links, a name longer than may be, NUL in it, the home of nobody.
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise BenchmarkError(
            f"benchmark file {path[:LONGEST_SHOWN]} cannot be found ({reason}); check the path"
        ) from None
    if stat.S_ISDIR(status.st_mode):
        raise BenchmarkError(f"benchmark source {path} is a folder; name a file in it")
    if not stat.S_ISREG(status.st_mode):
        raise BenchmarkError(f"benchmark source {path} is a pipe or device; name a plain file")
    if status.st_size == 0:
        raise BenchmarkError(f"{path} is empty: a benchmark needs at least one problem")
    return str(file)


def _table(path: str, records: Sequence[Record]) -> SourceTable:
    columns = tuple(dict.fromkeys(name for record in records for name in record.cells))
    return SourceTable(
        path=path,
        rows=tuple({name: record.cells.get(name) for name in columns} for record in records),
        columns=columns,
        lines=tuple(record.line for record in records if record.line is not None),
    )


def _frame_table(path: str, remote: bool) -> SourceTable:
    try:
        with warnings.catch_warnings():
            # What a cloud's library would advise besides the reason.
            warnings.simplefilter("ignore")
            frame = _read_frame(path, remote)
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise BenchmarkError(_explain(path, remote, error)) from error
    except Exception as error:
        # Whatever the library of a cloud raises when nobody is logged in there.
        if not remote:
            raise
        raise BenchmarkError(_explain(path, remote, error)) from error
    return SourceTable(
        path=path, rows=tuple(frame.iter_rows(named=True)), columns=tuple(frame.columns)
    )


def _read_frame(path: str, remote: bool) -> pl.DataFrame:
    lowered = path.lower()
    if not remote:
        # An open file: in a path, brackets and stars would be patterns.
        with Path(path).open("rb") as stream:
            return pl.read_parquet(stream)
    if lowered.endswith(".parquet"):
        return pl.read_parquet(path)
    if lowered.removesuffix(".gz").endswith(TABLES):
        # Text stays as written: "007" and "1.50" must not become numbers on the way.
        separator = "\t" if ".tsv" in lowered else ","
        return pl.read_csv(path, infer_schema=False, separator=separator)
    return pl.read_ndjson(path, infer_schema_length=None)


def _explain(path: str, remote: bool, error: Exception) -> str:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    reason = reason[:LONGEST_SHOWN]
    if remote:
        return (
            f"{path} cannot be read ({reason}); check the address and the network, "
            "or download the file and give its local path"
        )
    return f"{path} cannot be read as its name says ({reason}); check the file"
