"""How a warehouse's answers are handed out so that they can be given again without a call."""

import shutil
import uuid
from pathlib import Path

import duckdb

from lamas.errors import WarehouseError
from warehouse.connection import connect
from warehouse.sql_files import QUERIES
from warehouse.warehouse import DEFAULT_TIMEOUT_SECONDS, Warehouse

FORMATS = {".parquet": "FORMAT parquet, COMPRESSION zstd", ".jsonl": "FORMAT json"}
"""Endings of a file of recorded answers, and how DuckDB writes each."""
_QUERY = QUERIES / "answers_to_replay.sql"


def export_answers(warehouse: Warehouse, file: Path, *, run_id: str | None = None) -> int:
    """Write the answers of one run, or of all, to a new `file`; returns how many there are.

    Columns are those that `lamas.llm.recorded.read_answers` reads. Raises WarehouseError, and
    leaves nothing, when the file exists or cannot be written, or when no answer was kept.
    """
    if file.exists():
        raise WarehouseError(f"{file} exists already: name another, or remove it first")
    rows = export_query(warehouse, _QUERY, file, run_id=run_id)
    if not rows:
        whose = f"of run {run_id}" if run_id is not None else f"in {warehouse.path}"
        raise WarehouseError(
            f"there is no answer {whose} that could be given again: collect some, with "
            "recording.texts=keep"
        )
    return rows


def export_query(
    warehouse: Warehouse, query: Path, file: Path, *, run_id: str | None = None
) -> int:
    """Write the rows of a `.sql` file to `file`, in place of one that is there; how many there are.

    Without rows nothing is written. Raises WarehouseError when that cannot be done.
    """
    folder = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}.unfinished")
    place = folder.absolute() / file.name
    try:
        folder.mkdir(parents=True)
        rows = _write(warehouse, query, place, FORMATS[file.suffix], run_id)
        if rows:
            place.replace(file)
    except (OSError, duckdb.Error) as error:
        reason = str(error).split("\n", 1)[0].rstrip(".")
        raise WarehouseError(
            f"{file} cannot be written ({reason}), nothing was left there: make room or choose "
            "another place"
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return rows


def _write(
    warehouse: Warehouse, query: Path, place: Path, written_as: str, run_id: str | None
) -> int:
    question = query.read_text("utf-8").rstrip().removesuffix(";")
    target = str(place).replace("'", "''")
    # The one folder that this reader reaches besides the warehouse.
    with connect(
        warehouse.path,
        read_only=True,
        timeout_seconds=DEFAULT_TIMEOUT_SECONDS,
        folder=place.parent,
    ) as connection:
        connection.execute("SET VARIABLE run_id = $1", [run_id])
        found = connection.execute(f"COPY ({question}) TO '{target}' ({written_as})").fetchone()
    return int(found[0]) if found else 0
