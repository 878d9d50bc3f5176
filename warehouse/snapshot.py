"""How a warehouse is handed out as it is at one moment: a copy of the file, or Parquet files."""

import hashlib
import json
import shutil
import time
import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from lamas.errors import WarehouseError
from warehouse.connection import connect, quoted
from warehouse.warehouse import Warehouse

MANIFEST = "manifest.json"
_BLOCK = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportedFile:
    """One file of an export."""

    file: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """What an export holds; written beside the files as `manifest.json`."""

    format: str
    """`parquet` or `duckdb`."""
    schema_version: int
    made_at: float
    """Seconds since the epoch."""
    rows: dict[str, int]
    """Of every table."""
    files: tuple[ExportedFile, ...]


def copy_file(warehouse: Warehouse, target: Path) -> None:
    """A copy of the file with everything committed so far; writers wait as long as copying takes.

    `target` is a single file without a log beside it. Raises WarehouseError when there is no room.
    """
    log = _log_of(warehouse.path)
    try:
        # Closing any handle on the file drops this process's lock: not before both are copied.
        with (
            warehouse.reading(),
            warehouse.path.open("rb") as source,
            target.open("wb") as copy,
        ):
            if log.exists():
                shutil.copyfile(log, _log_of(target))
            shutil.copyfileobj(source, copy, _BLOCK)
        with connect(target, read_only=False, timeout_seconds=0) as connection:
            connection.execute("CHECKPOINT")
    except (OSError, duckdb.Error) as error:
        raise _failed(target, error) from error


def export_parquet(warehouse: Warehouse, folder: Path, *, views: bool) -> Export:
    """A new folder with one Parquet file for each table, each view too if asked, and a manifest.

    Every file is read back. Raises WarehouseError when the folder exists or cannot be written.
    """
    with _unfinished(folder) as place:
        place.mkdir()
        copy = place / "warehouse.duckdb"
        copy_file(warehouse, copy)
        # A view in the file may say anything: it is to reach nothing but the export.
        with connect(copy, read_only=True, timeout_seconds=0, folder=place) as connection:
            counts, version = _counts(connection), _version(connection)
            names = [*counts, *(_views(connection) if views else [])]
            _refuse_paths(names)
            rows = {name: _write_parquet(connection, name, place) for name in names}
        copy.unlink()
        export = Export(
            format="parquet",
            schema_version=version,
            made_at=time.time(),
            rows=counts,
            files=tuple(_described(place / f"{name}.parquet", rows[name]) for name in names),
        )
        _write_manifest(export, place / MANIFEST)
    return export


def export_duckdb(warehouse: Warehouse, file: Path) -> Export:
    """A new DuckDB file with every table and view, and its manifest beside it as `….json`.

    Raises WarehouseError when the file exists or cannot be written.
    """
    with _unfinished(file) as place:
        copy_file(warehouse, place)
        with connect(place, read_only=True, timeout_seconds=0) as connection:
            counts, version = _counts(connection), _version(connection)
        described = _described(place, sum(counts.values()), name=file.name)
        export = Export(
            format="duckdb",
            schema_version=version,
            made_at=time.time(),
            rows=counts,
            files=(described,),
        )
        _write_manifest(export, manifest_of(file))
    return export


def manifest_of(file: Path) -> Path:
    """Where the manifest of an exported DuckDB file lies."""
    return file.with_name(f"{file.name}.json")


def sha256_of(file: Path) -> str:
    """Digest of a file's content, in hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextmanager
def _unfinished(target: Path) -> Generator[Path]:
    """Another name beside `target` that becomes `target` only when the block ends well."""
    target = target.absolute()
    if target.exists():
        raise WarehouseError(f"{target} exists already: name another, or remove it first")
    place = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.unfinished")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield place
        place.rename(target)
    except (OSError, duckdb.Error) as error:
        raise _failed(target, error) from error
    finally:
        if place.is_dir():
            shutil.rmtree(place, ignore_errors=True)
        else:
            place.unlink(missing_ok=True)
            _log_of(place).unlink(missing_ok=True)


def _write_parquet(connection: duckdb.DuckDBPyConnection, name: str, folder: Path) -> int:
    """Rows that the written file gives back; WarehouseError when they are not those asked for."""
    file = folder / f"{name}.parquet"
    path = str(file).replace("'", "''")
    relation = quoted(name)
    connection.execute(f"COPY (FROM {relation}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    stored = _one(connection, f"SELECT count(*) FROM {relation}")
    found = _one(connection, f"SELECT count(*) FROM read_parquet('{path}')")
    if stored != found:
        raise WarehouseError(
            f"{name} has {stored} rows and its Parquet file {found}: nothing was exported; "
            "check the disk"
        )
    return found


def _refuse_paths(names: Sequence[str]) -> None:
    """WarehouseError for a name that is no file name: a file from elsewhere may hold any."""
    for name in names:
        if "/" in name or "\\" in name or "\0" in name or name.startswith("."):
            raise WarehouseError(
                f"a table or view of the warehouse is named {name!r}, which is no name for a file: "
                "LAMaS makes none like it; remove it, or export a warehouse of your own"
            )


def _counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    names = connection.execute(
        "SELECT table_name FROM duckdb_tables() ORDER BY table_name"
    ).fetchall()
    return {name: _one(connection, f"SELECT count(*) FROM {quoted(name)}") for (name,) in names}


def _views(connection: duckdb.DuckDBPyConnection) -> list[str]:
    found = connection.execute(
        "SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY view_name"
    ).fetchall()
    return [name for (name,) in found]


def _version(connection: duckdb.DuckDBPyConnection) -> int:
    return _one(connection, "SELECT max(version) FROM schema_version")


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    found = connection.execute(sql).fetchone()
    return int(found[0]) if found else 0


def _described(file: Path, rows: int, *, name: str | None = None) -> ExportedFile:
    return ExportedFile(
        file=name or file.name, rows=rows, bytes=file.stat().st_size, sha256=sha256_of(file)
    )


def _write_manifest(export: Export, path: Path) -> None:
    path.write_text(json.dumps(asdict(export), indent=2) + "\n", "utf-8")


def _log_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.wal")


def _failed(target: Path, error: Exception) -> WarehouseError:
    reason = getattr(error, "strerror", None) or str(error).split("\n", 1)[0].rstrip(".")
    return WarehouseError(
        f"{target} cannot be written ({reason}), nothing was left there: "
        "make room or choose another place"
    )
