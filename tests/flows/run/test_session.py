"""One run from begin to end: found again, ended as it deserves, alone in its home folder."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.home.lock import writer_lock
from flows.run.opening import session
from flows.run.record import code_version
from flows.run.session import Session
from lamas.domain import Run
from lamas.errors import BudgetExceededError, ModelUnreachableError, WarehouseError
from warehouse import Warehouse
from warehouse.reader import Reader

OPTIONS = ("llm=simulated", "seed=3")


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    return [*OPTIONS, f"home={tmp_path / 'home'}"]


def runs(options: list[str]) -> tuple[Run, ...]:
    home = Path(options[-1].removeprefix("home="))
    return Reader(Warehouse.open(home / "warehouse.duckdb")).runs()


async def ended_by(error: BaseException | None, options: list[str], kind: str = "collect") -> Run:
    """The run's row while it was open, after a session that ended so."""
    opened: list[Session] = []

    async def work() -> None:
        async with session(kind, options) as current:
            opened.append(current)
            if error is not None:
                raise error

    if error is None:
        await work()
    else:
        with pytest.raises(type(error)) as caught:
            await work()
        assert caught.value is error
    return opened[0].run


@pytest.mark.slow
async def test_a_run_that_ends_is_completed_and_followed_by_another(options: list[str]) -> None:
    first = await ended_by(None, options)
    second = await ended_by(None, options)
    assert first.run_id != second.run_id
    assert [run.status for run in runs(options)] == ["completed", "completed"]
    for run in runs(options):
        assert run.ended_at is not None
        assert run.ended_at >= run.started_at
        assert (run.kind, run.seed, run.simulated, run.error) == ("collect", 3, True, None)
        assert run.code_version == code_version()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (ModelUnreachableError("no model answers"), "failed", "no model answers"),
        (ValueError("a bug"), "failed", "ValueError: a bug"),
        (BudgetExceededError("the cap is reached"), "cancelled", "the cap is reached"),
        (asyncio.CancelledError(), "cancelled", "stopped from outside"),
        (KeyboardInterrupt(), "cancelled", "stopped from outside"),
    ],
)
async def test_how_a_run_ended_is_on_record(
    options: list[str], error: BaseException, status: str, message: str
) -> None:
    await ended_by(error, options)
    (run,) = runs(options)
    assert (run.status, run.error) == (status, message)
    assert run.ended_at is not None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "retries"),
    [(ModelUnreachableError("gone"), True), (asyncio.CancelledError(), False)],
)
async def test_an_unfinished_run_is_gone_on_with(
    options: list[str], error: BaseException, retries: bool
) -> None:
    stopped = await ended_by(error, options)
    async with session("collect", [*options[:-1], "llm.max_calls=9", options[-1]]) as current:
        assert current.run.run_id == stopped.run_id
        assert current.shared.resumed
        assert current.shared.retry_failed is retries
        assert current.run.started_at == stopped.started_at
    (run,) = runs(options)
    assert (run.status, run.error) == ("completed", None)


@pytest.mark.slow
@pytest.mark.parametrize("other", ["seed=4", "resume=false", "training.lambda_c=1"])
async def test_another_configuration_or_no_resume_is_another_run(
    options: list[str], other: str
) -> None:
    stopped = await ended_by(asyncio.CancelledError(), options)
    async with session("collect", [options[0], other, options[-1]]) as current:
        assert current.run.run_id != stopped.run_id
        assert not current.shared.resumed


@pytest.mark.slow
async def test_another_kind_is_another_run(options: list[str]) -> None:
    stopped = await ended_by(asyncio.CancelledError(), options)
    other = await ended_by(None, options, kind="evaluate")
    assert other.run_id != stopped.run_id


@pytest.mark.slow
async def test_stages_inside_a_run_share_its_session(options: list[str]) -> None:
    async with session("retrain", options) as outer:
        async with session("collect", None) as inner:
            assert inner is outer
        assert runs(options)[0].status == "running"
    assert [run.kind for run in runs(options)] == ["retrain"]


@pytest.mark.slow
async def test_the_batch_belongs_to_the_retrain_or_to_the_named_run(options: list[str]) -> None:
    async with session("retrain", options) as current:
        assert current.batch_run == current.run.run_id
    async with session("credit", [*options, "run=retrain-1"]) as current:
        assert current.batch_run == "retrain-1"


@pytest.mark.slow
async def test_a_second_writer_is_refused_while_one_runs_and_welcome_after(
    options: list[str], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    async with session("collect", options):
        with pytest.raises(WarehouseError, match="another run is writing"), writer_lock(home):
            pass
    with writer_lock(home):
        pass


@pytest.mark.slow
async def test_what_was_opened_is_closed_however_the_run_ends(options: list[str]) -> None:
    closed: list[str] = []

    def note(name: str) -> Callable[[], None]:
        return lambda: closed.append(name)

    async def work() -> None:
        async with session("collect", options) as current:
            current.stack.callback(note("client"))
            raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        await work()
    assert closed == ["client"]
