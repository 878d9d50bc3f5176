"""A whole home folder in one file and back: warehouse, paid responses, checkpoints."""

import shutil
import sqlite3
import stat
import tarfile
import uuid
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Literal

from pydantic import BaseModel, ConfigDict

from flows.home.lock import writer_lock
from flows.settings import Settings
from flows.wiring.parts import open_warehouse
from lamas.errors import WarehouseError
from lamas.llm.store import SCHEMA_VERSION
from warehouse import AuditResult, Warehouse
from warehouse.snapshot import MANIFEST, copy_file, sha256_of

_WAREHOUSE = "warehouse.duckdb"
_RESPONSES = "responses.sqlite"
_CHECKPOINTS = "checkpoints"
_BLOCK = 1 << 20
_LARGEST_MANIFEST = 1 << 26
"""Bytes; one of a hundred thousand checkpoints has a tenth of it."""


class Manifest(BaseModel):
    """What a backup holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lamas_backup: Literal[1] = 1
    """Version of the layout."""
    sha256: dict[str, str]
    """Of every file, by its path in the backup."""


def backup(settings: Settings, file: Path) -> Manifest:
    """Write a new backup, also while a run writes.

    Raises WarehouseError when the file exists, or cannot be written, or when something in the home
    is not what it is called.
    """
    file = file.absolute()
    if file.exists():
        raise WarehouseError(f"{file} exists already: name another, or remove it first")
    warehouse = open_warehouse(settings)
    with _scratch(file) as scratch:
        # The warehouse first: what it refers to may be newer than itself, never missing.
        copy_file(warehouse, scratch / _WAREHOUSE)
        _copy_responses(settings.responses_path, scratch / _RESPONSES)
        if settings.checkpoints_folder.is_dir():
            _refuse_other_than_files(settings.checkpoints_folder)
            shutil.copytree(settings.checkpoints_folder, scratch / _CHECKPOINTS)
        manifest = Manifest(
            sha256={_name(item, scratch): sha256_of(item) for item in _files(scratch)}
        )
        (scratch / MANIFEST).write_text(manifest.model_dump_json(indent=2), "utf-8")
        unfinished = scratch / "backup.tar"
        with tarfile.open(unfinished, "w") as archive:
            for name in (MANIFEST, *manifest.sha256):
                archive.add(scratch / name, arcname=name, recursive=False)
        unfinished.rename(file)
    return manifest


def restore(settings: Settings, file: Path) -> tuple[AuditResult, ...]:
    """Put a backup into a home folder that holds none of its files; what every audit found.

    Raises WarehouseError when the backup is damaged, or something would be overwritten; then
    nothing is changed.
    """
    if not file.is_file():
        raise WarehouseError(f"there is no backup at {file}: correct the path")
    with writer_lock(settings.home):
        places = {
            _WAREHOUSE: settings.warehouse.absolute(),
            _RESPONSES: settings.responses_path.absolute(),
            _CHECKPOINTS: settings.checkpoints_folder.absolute(),
        }
        _refuse_overwriting(places.values())
        with _scratch(settings.home.absolute() / "restored") as scratch:
            _unpack(file, scratch)
            results = Warehouse.open(scratch / _WAREHOUSE).audit()
            # The warehouse last: with it in place the home is whole.
            for name in (_RESPONSES, _CHECKPOINTS, _WAREHOUSE):
                if (scratch / name).exists():
                    places[name].parent.mkdir(parents=True, exist_ok=True)
                    shutil.move(scratch / name, places[name])
    return results


def _copy_responses(source: Path, target: Path) -> None:
    if not source.exists():
        return
    try:
        with closing(sqlite3.connect(source)) as stored, closing(sqlite3.connect(target)) as copy:
            stored.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        flaw = _flaw_of_responses(target)
    except sqlite3.Error as error:
        flaw = str(error)
    if flaw is not None:
        raise WarehouseError(
            f"the response store {source} cannot be copied ({flaw}): move it away, or put a sound "
            "copy in its place, and back up again"
        )


def _flaw_of_responses(file: Path) -> str | None:
    """Why it is no response store that this program can go on with; None when it is one."""
    address = f"{file.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as stored:
            run = stored.execute
            run("PRAGMA trusted_schema = OFF")
            found: str = run("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                return found.split("\n", 1)[0]
            version: int = run("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA_VERSION:
                return f"it has version {version}, this program reads {SCHEMA_VERSION}"
            parts = set(run("SELECT type, name FROM sqlite_master WHERE type <> 'index'"))
            if ("table", "responses") not in parts:
                return "it holds no responses"
            # Views and triggers would run with every answer that is looked up or kept.
            strange = next((name for kind, name in sorted(parts) if kind != "table"), None)
            return None if strange is None else f"it holds more than tables: {strange}"
    except sqlite3.Error as error:
        return str(error)


def _refuse_other_than_files(folder: Path) -> None:
    """A link would take along what lies elsewhere, a pipe would be waited for."""
    for item in folder.rglob("*"):
        mode = item.lstat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            what = "a symbolic link" if stat.S_ISLNK(mode) else "no file"
            raise WarehouseError(
                f"{item} is {what} and is not taken into a backup: put the checkpoint itself "
                "there, or remove it"
            )


def _refuse_overwriting(places: Iterable[Path]) -> None:
    for place in places:
        if place.exists() and not (place.is_dir() and not any(place.iterdir())):
            raise WarehouseError(
                f"{place} exists already and is not overwritten: restore into another home=…"
            )


def _unpack(file: Path, folder: Path) -> None:
    """Every file of the backup, its digest checked."""
    try:
        with tarfile.open(file, "r:") as archive:
            manifest = _manifest(archive)
            room = file.stat().st_size
            for name, digest in manifest.sha256.items():
                _unpack_one(archive, name, digest, folder, room)
            if (folder / _RESPONSES).exists():
                _check_responses(folder / _RESPONSES)
    except (tarfile.TarError, EOFError, KeyError, ValueError, _DamagedError) as error:
        reason = str(error).split("\n", 1)[0].strip("'\"")
        raise WarehouseError(
            f"{file} is no whole backup ({reason}), nothing was restored: use another backup"
        ) from None
    except OSError as error:
        raise WarehouseError(
            f"{file} cannot be unpacked in {folder.parent} ({error.strerror}), nothing was "
            "restored: make room or choose another home=…"
        ) from None


class _DamagedError(Exception):
    """The backup is not what was written."""


def _manifest(archive: tarfile.TarFile) -> Manifest:
    content = _content(archive, MANIFEST, _LARGEST_MANIFEST).read()
    manifest = Manifest.model_validate_json(content)
    if _WAREHOUSE not in manifest.sha256:
        raise _DamagedError(f"it holds no {_WAREHOUSE}")
    return manifest


def _unpack_one(archive: tarfile.TarFile, name: str, digest: str, folder: Path, room: int) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise _DamagedError(f"{name} lies outside of it")
    if name not in (_WAREHOUSE, _RESPONSES) and not name.startswith(f"{_CHECKPOINTS}/"):
        raise _DamagedError(f"{name} is no part of a home folder")
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with _content(archive, name, room) as content, target.open("wb") as copy:
        shutil.copyfileobj(content, copy, _BLOCK)
    if sha256_of(target) != digest:
        raise _DamagedError(f"the digest of {name} is another")


def _check_responses(file: Path) -> None:
    flaw = _flaw_of_responses(file)
    if flaw is not None:
        raise _DamagedError(f"{_RESPONSES} is no response store: {flaw}")


def _content(archive: tarfile.TarFile, name: str, room: int) -> IO[bytes]:
    """A file of the archive that takes at most `room` bytes; holes would take more than it has."""
    member = archive.getmember(name)
    content = archive.extractfile(member) if member.isreg() else None
    if content is None:
        raise _DamagedError(f"{name} is no file")
    if member.issparse() or member.size > room:
        raise _DamagedError(f"{name} would unpack to {member.size} bytes, {room} are there")
    return content


def _files(folder: Path) -> list[Path]:
    return sorted(item for item in folder.rglob("*") if item.is_file())


def _name(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix()


@contextmanager
def _scratch(target: Path) -> Generator[Path]:
    """A folder beside `target` that is gone afterwards."""
    folder = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.unfinished")
    try:
        folder.mkdir(parents=True)
        yield folder
    except OSError as error:
        raise WarehouseError(
            f"{target} cannot be written ({error.strerror or error}), nothing was left there: "
            "make room or choose another place"
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
