"""Backups and homes that someone else made: what is refused, and that nothing is left then."""

import hashlib
import io
import json
import random
import shutil
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest

from flows.home.backup import backup, restore
from flows.settings import Settings
from flows.settings.compose import load_settings
from lamas.errors import LamasError, WarehouseError
from lamas.llm import ResponseStore
from tests.factories import make_call
from warehouse import Warehouse

pytestmark = pytest.mark.attack


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one checkpoint file and one paid response, and its backup beside it."""
    home = tmp_path_factory.mktemp("sample") / "home"
    Warehouse.open(home / "warehouse.duckdb", create=True)
    (home / "checkpoints").mkdir()
    (home / "checkpoints" / "one.safetensors").write_bytes(b"1" * 1000)
    with ResponseStore(home / "responses.sqlite", run_id="run-1") as store:
        store.put("what-was-paid", (make_call(10),))
    backup(settings_of(home), home.with_name("backup.tar"))
    return home


@pytest.fixture
def home(sample: Path, tmp_path: Path) -> Path:
    return shutil.copytree(sample, tmp_path / "home")


@pytest.fixture
def made(sample: Path, tmp_path: Path) -> Path:
    return shutil.copyfile(sample.with_name("backup.tar"), tmp_path / "backup.tar")


@cache
def _settings() -> Settings:
    return load_settings([])


def settings_of(home: Path) -> Settings:
    return _settings().model_copy(update={"home": home, "warehouse": home / "warehouse.duckdb"})


def contents(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as archive:
        found = {name: archive.extractfile(name) for name in archive.getnames()}
        return {name: item.read() for name, item in found.items() if item is not None}


def rewritten(file: Path, files: dict[str, bytes], **manifest: object) -> Path:
    """The archive with other files, its digests right."""
    held = {name: content for name, content in files.items() if name != "manifest.json"}
    text: dict[str, object] = {
        "lamas_backup": 1,
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in held.items()},
        **manifest,
    }
    with tarfile.open(file, "w") as archive:
        for name, content in {"manifest.json": json.dumps(text).encode(), **held}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file


def refused(file: Path, tmp_path: Path) -> str:
    """The sentence; nothing but the lock is left in the home."""
    other = tmp_path / "other"
    with pytest.raises(WarehouseError) as raised:
        restore(settings_of(other), file)
    assert [path.name for path in other.iterdir()] == ["writer.lock"]
    assert not list(tmp_path.glob(".*unfinished"))
    return str(raised.value)


@pytest.mark.slow
def test_the_helper_writes_what_can_be_restored(made: Path, tmp_path: Path) -> None:
    restore(settings_of(tmp_path / "other"), rewritten(made, contents(made)))
    assert (tmp_path / "other" / "checkpoints" / "one.safetensors").read_bytes() == b"1" * 1000


def with_trigger(content: bytes, path: Path) -> bytes:
    path.write_bytes(content)
    with sqlite3.connect(path) as store:
        store.execute(
            "CREATE TRIGGER quiet AFTER INSERT ON responses BEGIN DELETE FROM responses; END"
        )
    store.close()
    return path.read_bytes()


def with_view(content: bytes, path: Path) -> bytes:
    path.write_bytes(content)
    with sqlite3.connect(path) as store:
        store.execute("ALTER TABLE responses RENAME TO hidden")
        store.execute("CREATE VIEW responses AS SELECT * FROM hidden")
    store.close()
    return path.read_bytes()


def of_the_future(content: bytes, path: Path) -> bytes:
    path.write_bytes(content)
    with sqlite3.connect(path) as store:
        store.execute("PRAGMA user_version = 99")
    store.close()
    return path.read_bytes()


def with_a_torn_page(content: bytes, path: Path) -> bytes:
    return content[:4096] + bytes(len(content) - 4096)


def another_database(content: bytes, path: Path) -> bytes:
    with sqlite3.connect(path) as store:
        store.execute("CREATE TABLE bookmarks (url TEXT)")
    store.close()
    return path.read_bytes()


def rubbish(content: bytes, path: Path) -> bytes:
    return b"no database at all, but long enough" * 100


def nothing(content: bytes, path: Path) -> bytes:
    return b""


def half(content: bytes, path: Path) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        rubbish, nothing, half, another_database, of_the_future, with_a_torn_page, with_trigger,
        with_view,
    ],
)  # fmt: skip
def test_a_response_store_that_is_none_is_not_restored(
    made: Path, tmp_path: Path, change: Callable[[bytes, Path], bytes]
) -> None:
    files = contents(made)
    files["responses.sqlite"] = change(files["responses.sqlite"], tmp_path / "changed.sqlite")
    said = refused(rewritten(made, files), tmp_path)
    assert "responses.sqlite is no response store" in said
    assert "\n" not in said


@pytest.mark.parametrize("version", [0, 2, "1", None, 1.5])
def test_a_layout_of_another_version_is_not_restored(
    made: Path, tmp_path: Path, version: object
) -> None:
    file = rewritten(made, contents(made), lamas_backup=version)
    assert "is no whole backup" in refused(file, tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "warehouse.duckdb.wal",
        "writer.lock",
        "prefect/profiles.toml",
        "prefect.key",
        "checkpoints",
        "responses.sqlite-wal",
        "WAREHOUSE.DUCKDB",
        "./warehouse.duckdb",
        "checkpoints/../writer.lock",
        "checkpoints/a/../../../outside",
        "/etc/cron.d/job",
        "",
    ],
)
def test_what_is_no_part_of_a_home_is_not_restored(made: Path, tmp_path: Path, name: str) -> None:
    said = refused(rewritten(made, {**contents(made), name: b"planted"}), tmp_path)
    assert "is no whole backup" in said
    assert not (tmp_path / "outside").exists()


def test_holes_are_refused_before_they_are_unpacked(made: Path, tmp_path: Path) -> None:
    """The old GNU format: one block of data that says it is 3 GiB."""
    files = contents(made)
    claimed = 3 << 30
    hole = tarfile.TarInfo("checkpoints/hole.safetensors")
    hole.type, hole.size = tarfile.GNUTYPE_SPARSE, 512
    block = bytearray(hole.tobuf(tarfile.GNU_FORMAT))
    block[386:410] = b"%011o\0%011o\0" % (claimed - 512, 512)
    block[483:495] = b"%011o\0" % claimed
    block[148:156] = b"        "
    block[148:156] = b"%06o\0 " % sum(block)
    names = [*files, "checkpoints/hole.safetensors"]
    rewritten(made, files, sha256=dict.fromkeys(names[1:], "0" * 64))
    with tarfile.open(made) as archive:
        end = archive.getmembers()[-1]
        at = end.offset_data + (end.size + 511) // 512 * 512
    content = made.read_bytes()[:at] + bytes(block) + bytes(512) + bytes(1024)
    digests = {name: hashlib.sha256(files[name]).hexdigest() for name in files}
    made.write_bytes(_with_digests(content, {**digests, names[-1]: "0" * 64}))
    said = refused(made, tmp_path)
    assert f"would unpack to {claimed} bytes" in said


def _with_digests(content: bytes, digests: dict[str, str]) -> bytes:
    """The same archive whose manifest, the first member, holds these digests."""
    digests.pop("manifest.json", None)
    text = json.dumps({"lamas_backup": 1, "sha256": digests}).encode()
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        first, second = archive.getmembers()[:2]
        rest = content[second.offset :]
        assert first.name == "manifest.json"
    member = tarfile.TarInfo("manifest.json")
    member.size = len(text)
    padded = text + bytes(-len(text) % 512)
    return member.tobuf(tarfile.PAX_FORMAT) + padded + rest


@pytest.mark.parametrize("size", [1 << 40, (1 << 63) - 1])
def test_a_size_beyond_the_archive_is_refused(made: Path, tmp_path: Path, size: int) -> None:
    files = contents(made)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    content = _with_digests(made.read_bytes(), {**digests, "checkpoints/big": "0" * 64})
    big = tarfile.TarInfo("checkpoints/big")
    big.size = size
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        end = archive.getmembers()[-1]
        at = end.offset_data + (end.size + 511) // 512 * 512
    made.write_bytes(content[:at] + big.tobuf(tarfile.PAX_FORMAT) + bytes(1024))
    refused(made, tmp_path)


def test_bytes_changed_at_random_end_in_a_sentence(made: Path, tmp_path: Path) -> None:
    """In headers and manifest, where each of them means something."""
    whole = made.read_bytes()
    with tarfile.open(made) as archive:
        places = [item.offset + at for item in archive.getmembers() for at in range(512)]
    said: list[str] = []
    for seed in range(150):
        rng = random.Random(seed)
        content = bytearray(whole)
        for _ in range(rng.choice([1, 3, 40])):
            content[rng.choice(places)] = rng.randrange(256)
        made.write_bytes(content)
        with suppress(FileNotFoundError):
            shutil.rmtree(tmp_path / "other")
        try:
            restore(settings_of(tmp_path / "other"), made)
        except LamasError as error:
            said.append(str(error))
        assert not list(tmp_path.glob(".*unfinished"))
    assert len(said) > 50
    assert [text for text in said if "\n" in text] == []


def as_rubbish(path: Path) -> None:
    path.write_bytes(b"no database at all, but long enough" * 100)


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def as_empty(path: Path) -> None:
    path.write_bytes(b"")


def as_another_database(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as store:
        store.execute("CREATE TABLE bookmarks (url TEXT)")
    store.close()


@pytest.mark.parametrize("change", [as_rubbish, as_folder, as_empty, as_another_database])
def test_a_store_that_cannot_be_read_is_not_backed_up(
    home: Path, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    for leftover in ("responses.sqlite-wal", "responses.sqlite-shm"):
        (home / leftover).unlink(missing_ok=True)
    change(home / "responses.sqlite")
    with pytest.raises(WarehouseError, match=r"responses\.sqlite cannot be copied"):
        backup(settings_of(home), tmp_path / "backup.tar")
    assert not list(tmp_path.glob("*.tar"))
    assert not list(tmp_path.glob(".*"))


def link_to_secret(folder: Path) -> None:
    (folder.parent / "secret").write_text("sk-secret")
    (folder / "linked.safetensors").symlink_to(folder.parent / "secret")


def link_to_folder(folder: Path) -> None:
    (folder / "linked").symlink_to("/etc")


def pipe(folder: Path) -> None:
    import os

    os.mkfifo(folder / "pipe.safetensors")


@pytest.mark.parametrize("plant", [link_to_secret, link_to_folder, pipe])
def test_what_is_no_checkpoint_file_is_not_taken_along(
    home: Path, tmp_path: Path, plant: Callable[[Path], None]
) -> None:
    plant(home / "checkpoints")
    with pytest.raises(WarehouseError, match="is not taken into a backup"):
        backup(settings_of(home), tmp_path / "backup.tar")
    assert not (tmp_path / "backup.tar").exists()


def test_a_folder_of_checkpoints_may_lie_elsewhere(home: Path, tmp_path: Path) -> None:
    (home / "checkpoints").rename(tmp_path / "elsewhere")
    (home / "checkpoints").symlink_to(tmp_path / "elsewhere")
    backup(settings_of(home), tmp_path / "backup.tar")
    assert "checkpoints/one.safetensors" in contents(tmp_path / "backup.tar")
