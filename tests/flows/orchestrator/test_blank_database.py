"""A new home's Prefect database is a copy of a migrated one, the same as one made there."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from flows.orchestrator import blank_database
from flows.orchestrator.access import auth_string
from flows.orchestrator.blank_database import READY, is_ready, keep_blank, start_settings
from flows.orchestrator.server import prefect_server
from lamas.domain.user_cache import VARIABLE
from tests.prefect_client import client


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    for name in ("PREFECT_API_URL", "PREFECT_HOME", "PREFECT_LOGGING_LEVEL"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def made_by_hand(path: Path, *, head: str = "abc", flows: int = 0, blocks: int = 1) -> Path:
    """A database with the tables that are looked at."""
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        for table in (*blank_database.RECORDS, *blank_database.OF_ITS_SERVER, "block_type"):
            database.execute(f"CREATE TABLE {table} (id INTEGER)")
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES (?)", [head])
        database.executemany("INSERT INTO flow VALUES (?)", [(n,) for n in range(flows)])
        database.executemany("INSERT INTO block_type VALUES (?)", [(n,) for n in range(blocks)])
        database.execute("INSERT INTO csrf_token VALUES (7)")
        database.commit()
    return path


def content(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [line for line in database.iterdump() if "csrf_token" not in line]


def test_a_new_home_gets_what_another_one_left_and_nothing_of_its_server(
    cache: Path, tmp_path: Path
) -> None:
    first, second = made_by_hand(tmp_path / "first" / "prefect.db").parent, tmp_path / "second"
    second.mkdir()
    assert start_settings(second) == {}, "there is nothing yet"
    assert not is_ready(second)
    keep_blank(first)
    assert is_ready(second)
    assert list(second.iterdir()) == []
    assert start_settings(second) == READY
    assert is_ready(second)
    assert content(second / "prefect.db") == content(first / "prefect.db")
    with closing(sqlite3.connect(second / "prefect.db")) as database:
        assert database.execute("SELECT count(*) FROM csrf_token").fetchone() == (0,)
    assert (second / "prefect.db").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in second.iterdir()] == ["prefect.db"]
    assert [path.stat().st_mode & 0o777 for path in cache.iterdir()] == [0o600]


@pytest.mark.parametrize(("flows", "blocks"), [(1, 1), (0, 0)])
def test_a_database_in_use_or_half_made_is_not_kept(
    cache: Path, tmp_path: Path, flows: int, blocks: int
) -> None:
    keep_blank(made_by_hand(tmp_path / "home" / "prefect.db", flows=flows, blocks=blocks).parent)
    assert not cache.exists()


@pytest.mark.parametrize(("head", "blocks"), [("older", 1), ("abc", 0)])
def test_a_home_whose_database_is_older_or_half_made_is_migrated_as_ever(
    cache: Path, tmp_path: Path, head: str, blocks: int
) -> None:
    keep_blank(made_by_hand(tmp_path / "first" / "prefect.db").parent)
    home = made_by_hand(tmp_path / "home" / "prefect.db", head=head, blocks=blocks).parent
    before = content(home / "prefect.db")
    assert not is_ready(home)
    assert start_settings(home) == {}
    assert content(home / "prefect.db") == before


def _cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:9000])


def _garbage(file: Path) -> None:
    file.write_bytes(b"no database" * 1000)


def _open_to_all(file: Path) -> None:
    file.chmod(0o666)


@pytest.mark.parametrize("damage", [_cut_short, _garbage, _open_to_all])
def test_a_damaged_copy_or_one_that_others_may_write_is_passed_by(
    cache: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    keep_blank(made_by_hand(tmp_path / "first" / "prefect.db").parent)
    damage(next(cache.iterdir()))
    home = tmp_path / "home"
    home.mkdir()
    assert start_settings(home) == {}
    assert list(home.iterdir()) == []


@pytest.mark.slow
def test_another_database_is_left_to_whoever_named_it(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_blank(made_by_hand(tmp_path / "first" / "prefect.db").parent)
    monkeypatch.setenv(
        "PREFECT_API_DATABASE_CONNECTION_URL", "postgresql+asyncpg://nowhere/prefect"
    )
    home = tmp_path / "home"
    home.mkdir()
    assert not is_ready(home)
    assert start_settings(home) == {}
    assert list(home.iterdir()) == []


@pytest.mark.slow
def test_a_real_server_starts_on_the_copy_as_on_a_database_of_its_own(
    cache: Path, tmp_path: Path
) -> None:
    """The one test whose server begins with nothing."""
    schemas: list[list[tuple[str]]] = []
    for name in ("empty", "copied"):
        home = tmp_path / name
        with prefect_server(home, port=0) as server:
            asking = client(server.api_url, auth_string(home))
            assert asking.post("flows/", json={"name": name}).status_code == 201
            found = asking.post("flows/filter", json={}).json()
            assert [item["name"] for item in found] == [name]
            assert len(asking.post("block_types/filter", json={}).json()) > 10
        with closing(sqlite3.connect(home / "prefect.db")) as database:
            rows = database.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
            schemas.append(rows)
        assert len(list(cache.iterdir())) == 1
    assert schemas[0] == schemas[1]
