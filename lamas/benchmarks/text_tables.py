"""JSON and CSV as people and their programs write them, one record a problem."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from lamas.errors import BenchmarkError

SEPARATORS = (",", ";", "\t", "|")
LONGEST_CELL = 16 * 1024 * 1024
LARGEST_UNPACKED = 512 * 1024 * 1024
"""Bytes that a packed file may come to: a few kilobytes can be packed gigabytes."""
MOST_LEVELS = 100
"""Of lists and objects within each other."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a source."""

    cells: Mapping[str, object]
    line: int | None
    """Where it begins, from 1; None where lines mean nothing."""


def plain_text(path: Path) -> str:
    """The text of a file, unpacked, without a byte-order mark; BenchmarkError when it has none.

    UTF-8, else UTF-16 where a mark says so, else the Windows code page in which spreadsheets save.
    """
    try:
        packed = path.name.lower().endswith(".gz")
        data = _unpacked(path) if packed else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise BenchmarkError(f"{path} cannot be read ({error}); check the file") from error
    try:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return data.decode("utf-16")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            if ".csv" not in path.name.lower() and ".tsv" not in path.name.lower():
                raise
            return data.decode("cp1252")
    except UnicodeDecodeError as error:
        raise BenchmarkError(f"{path} cannot be read ({error}); save it as UTF-8") from error


def _unpacked(path: Path) -> bytes:
    with gzip.open(path) as file:
        data = file.read(LARGEST_UNPACKED + 1)
    if len(data) > LARGEST_UNPACKED:
        raise BenchmarkError(
            f"{path} unpacks to more than {LARGEST_UNPACKED >> 20} MiB; unpack it yourself and "
            "name the plain file"
        )
    return data


def json_records(path: str, text: str) -> Sequence[Record]:
    """The objects of JSON Lines, of a JSON list, or of an object with exactly one list of them."""
    begin = text.lstrip()
    if not begin:
        return ()
    if begin.startswith("[") or _is_one_value(path, begin):
        return _whole(path, text)
    records: list[Record] = []
    # Not splitlines: a line separator of Unicode may stand within a string.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        value = _loaded(f"{path}, line {number}", line, "correct or remove that line")
        if not isinstance(value, dict):
            raise BenchmarkError(
                f"{path}, line {number} is not a JSON object; every line must be one problem"
            )
        records.append(Record(cast("dict[str, object]", value), number))
    return records


def csv_records(path: str, text: str) -> Sequence[Record]:
    """The rows of a table as spreadsheets export it, every cell a text or None.

    The separator is the one the header holds most of; empty rows and unnamed empty columns, which
    spreadsheets leave behind, are left out. Raises BenchmarkError for a damaged table.
    """
    offset = 1
    first, _, rest = text.partition("\n")
    if first.lower().startswith("sep="):
        text, offset = rest, 2
        separator = first[4:5].strip("\r") or ","
    else:
        unquoted = "".join(first.split('"')[::2])
        separator = max(SEPARATORS, key=unquoted.count)
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    records: list[Record] = []
    empty: list[str] = []
    try:
        header = [name.strip() for name in next(reader, empty)]
        _check_header(path, header)
        begin = reader.line_num
        for row in reader:
            line, begin = begin + offset, reader.line_num
            if not any(cell.strip() for cell in row):
                continue
            if any(cell.strip() for cell in row[len(header) :]):
                raise BenchmarkError(
                    f"{path}, line {line} has {len(row)} cells under {len(header)} columns; put "
                    "cells that hold the separator in quotes"
                )
            cells = zip(header, [*row, *[""] * len(header)], strict=False)
            records.append(Record({name: cell or None for name, cell in cells if name}, line))
    except csv.Error as error:
        raise BenchmarkError(
            f"{path}, line {reader.line_num + offset - 1} is not CSV ({error}); correct that line"
        ) from error
    return records


def _check_header(path: str, header: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in header:
        if name and name in seen:
            raise BenchmarkError(f"{path} has two columns {name!r}; rename one of them")
        seen.add(name)


def _is_one_value(path: str, text: str) -> bool:
    """Whether a text that begins with an object is that one object and not a problem a line."""
    if "\n" not in text.strip():
        return ".jsonl" not in path.lower() and ".ndjson" not in path.lower()
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _lists_of(value: Mapping[str, object]) -> list[str]:
    """Names under which an object has a list of objects."""
    return [
        name
        for name, item in value.items()
        if isinstance(item, list)
        and item
        and all(isinstance(row, dict) for row in cast("list[object]", item))
    ]


def _whole(path: str, text: str) -> Sequence[Record]:
    value = _loaded(path, text, "correct the file")
    if isinstance(value, dict):
        held = cast("dict[str, object]", value)
        names = _lists_of(held)
        if len(names) != 1:
            found = ", ".join(repr(name) for name in names) or "none"
            raise BenchmarkError(
                f"{path} is a JSON object that should hold exactly one list of problems, and holds "
                f"{len(names)}: {found}; keep one list in it, or write one problem a line"
            )
        value = held[names[0]]
    if not isinstance(value, list):
        raise BenchmarkError(f"{path} is one JSON value; it should hold a list of problems")
    records: list[Record] = []
    for number, item in enumerate(cast("list[object]", value), start=1):
        if not isinstance(item, dict):
            raise BenchmarkError(
                f"{path}: entry {number} of its list is not a JSON object; every entry must be "
                "one problem"
            )
        records.append(Record(cast("dict[str, object]", item), None))
    return records


def _loaded(place: str, text: str, remedy: str) -> object:
    try:
        value: object = json.loads(text)
    except ValueError as error:
        raise BenchmarkError(f"{place} is not JSON ({error}); {remedy}") from error
    except RecursionError as error:
        raise BenchmarkError(f"{place} is nested too deeply to be a problem; {remedy}") from error
    if not _is_flat(value):
        raise BenchmarkError(f"{place} is nested too deeply to be a problem; {remedy}")
    return value


def _is_flat(value: object) -> bool:
    """Whether what is in it can be written as text again: at most so many levels of lists."""
    waiting: list[tuple[object, int]] = [(value, 1)]
    while waiting:
        item, level = waiting.pop()
        if isinstance(item, dict):
            inner = list(cast("dict[str, object]", item).values())
        elif isinstance(item, list):
            inner = cast("list[object]", item)
        else:
            continue
        if level > MOST_LEVELS:
            return False
        waiting += [(part, level + 1) for part in inner if isinstance(part, list | dict)]
    return True
