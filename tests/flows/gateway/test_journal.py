"""What a gateway answered survives its end at any instant, and is stored once."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from flows.gateway.journal import Journal, land_left_behind, land_segment
from flows.home.intake import landed_by_gateways, take_in_served
from flows.home.lock import brief_turn, writer_lock, writer_turn
from lamas.domain import Run
from lamas.domain.served import Feedback
from lamas.errors import WarehouseError
from lamas.gateway.entry import Entry
from tests.factories import T0, make_problem, make_rollout, make_run
from tests.served import make_request
from warehouse import Registry, Warehouse
from warehouse.landing import UNFINISHED

pytestmark = pytest.mark.slow


def entry(number: int, run_id: str) -> Entry:
    rollout_id = f"served-{number}"
    problem = replace(make_problem(number), benchmark="served", problem_id=f"served/{number}")
    rollout = make_rollout(
        rollout_id=rollout_id,
        run_id=run_id,
        problem_id=problem.problem_id,
        checkpoint_id=None,
        purpose="serve",
        mode="fixed",
    )
    request = make_request(f"chatcmpl-{number}", run_id=run_id, rollout_id=rollout_id)
    return Entry(request=request, rollout=replace(rollout, score=None), problem=problem)


def opened(folder: Path, name: str = "serve-1") -> Journal:
    run = replace(make_run(name), kind="serve")

    async def land(segment: Path, of: Run) -> None:
        land_segment(segment, encoder="float32", run=of)

    return Journal(folder, run, texts="keep", land=land, stored=lambda request_id: False)


def kept_lines(folder: Path) -> int:
    """Lines of the only segment, the run's row included."""
    (segment,) = folder.glob("*.journal")
    return len(segment.read_bytes().splitlines())


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("blank") / "warehouse.duckdb"
    Warehouse.open(path, create=True)
    return path


async def test_a_killed_gateways_answers_are_stored_once(blank: Path, tmp_path: Path) -> None:
    warehouse = Warehouse.open(shutil.copy(blank, tmp_path / "warehouse.duckdb"))
    folder, copied = tmp_path / "served", tmp_path / "copied"
    journal = opened(folder)
    for number in range(3):
        await journal.keep(entry(number, "serve-1"))
    given = Feedback(
        feedback_id="f",
        request_id="chatcmpl-1",
        client="local",
        score=1.0,
        reference=None,
        comment=None,
        given_at=T0 + 2,
    )
    await journal.keep(Entry(feedback=given))
    assert await journal.knows("chatcmpl-2")
    assert not await journal.knows("chatcmpl-9")
    # While it lives nobody else lands its segments.
    assert land_left_behind(folder, encoder="float32", now=T0 + 9) == 0
    # What a kill leaves: all that was kept, and half a line of what was not.
    shutil.copytree(folder, copied)
    (segment,) = copied.glob("*.journal")
    segment.write_bytes(segment.read_bytes() + b'{"request": {"requ')
    for _ in range(2):
        shutil.copytree(folder, copied, dirs_exist_ok=True)
        (copied / f".serve-1.000001.abc{UNFINISHED}").mkdir()
        assert land_left_behind(copied, encoder="float32", now=T0 + 9) == 1
        take_in_served(warehouse, copied, lambda text: None)
        assert list(copied.iterdir()) == []
    assert warehouse.query("FROM rollouts").height == 3
    assert warehouse.query("FROM served_requests").height == 3
    assert warehouse.query("FROM feedback").height == 1
    (run,) = warehouse.query("FROM runs").to_dicts()
    assert (run["status"], run["ended_at"]) == ("cancelled", T0 + 9)
    assert [result.name for result in warehouse.audit() if result.rows.height] == []
    await journal.close(replace(make_run("serve-1"), kind="serve"))


async def test_segments_land_while_it_goes_on(blank: Path, tmp_path: Path) -> None:
    warehouse = Warehouse.open(shutil.copy(blank, tmp_path / "warehouse.duckdb"))
    folder = tmp_path / "served"
    journal = opened(folder)
    assert not await journal.land()
    for number in range(2):
        await journal.keep(entry(number, "serve-1"))
        assert await journal.land()
    assert len(landed_by_gateways(folder)) == 2
    assert take_in_served(warehouse, folder, lambda text: None) == 2
    assert warehouse.query("FROM runs")["status"].to_list() == ["running"]
    ended = replace(make_run("serve-1"), kind="serve", status="completed", ended_at=T0 + 9)
    await journal.close(ended)
    assert take_in_served(warehouse, folder, lambda text: None) == 0
    assert warehouse.query("FROM runs")["status"].to_list() == ["completed"]
    assert list(folder.iterdir()) == []
    assert Registry(warehouse).champion() is None


async def test_what_cannot_be_written_is_not_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = opened(tmp_path)
    await journal.keep(entry(0, "serve-1"))

    def full(descriptor: int, content: memoryview) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.write", full)
        with pytest.raises(WarehouseError, match="No space left"):
            await journal.keep(entry(1, "serve-1"))
    assert journal.failing == "No space left on device"
    await journal.keep(entry(2, "serve-1"))
    assert journal.failing is None
    assert kept_lines(tmp_path) == 3
    await journal.close(replace(make_run("serve-1"), kind="serve"))


async def test_a_brief_turn_is_waited_for_and_a_long_one_refused(tmp_path: Path) -> None:
    with writer_lock(tmp_path), brief_turn(tmp_path) as ours:
        assert not ours
    with writer_lock(tmp_path), pytest.raises(WarehouseError, match="another run is writing"):
        async with writer_turn(tmp_path, "refuse", lambda text: None):
            pass
    with brief_turn(tmp_path) as ours:
        assert ours
    with writer_lock(tmp_path):
        pass
