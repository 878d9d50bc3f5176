"""A worker lands its shard once, whole or not at all, and what it paid for is never paid again."""

import asyncio
import shutil
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from flows.rollouts.shards.intake import copied_answers, landing_of, take_in, take_in_rest
from flows.rollouts.shards.shard import Shard
from flows.rollouts.shards.worker import ShardReport, run_shard
from flows.run.budget import paid_answers
from flows.run.learners import chosen_learner
from flows.run.opening import session
from flows.run.plans import training_plans
from flows.run.problems import problem_set
from flows.run.session import Session
from lamas.errors import ServerError
from lamas.llm import Budget, ResponseStore
from tests.flows.conftest import TINY
from warehouse.landing import merge_landed, read_landed

LIVE = (*TINY, "execution.granularity=batch", "training.rollouts_per_problem=3")


@asynccontextmanager
async def collecting(
    prepared: Path, folder: Path, *overrides: str
) -> AsyncGenerator[tuple[Session, Shard], None]:
    """A run that is to collect, and a shard of six rollouts for which nobody has paid yet."""
    home = shutil.copytree(prepared, folder / "home")
    async with session("collect", [*LIVE, *overrides, f"home={home}"]) as current:
        problems = problem_set(current)
        landing = landing_of(current)
        landing.begin("term")
        yield (
            current,
            Shard(
                settings=current.settings,
                run_id=current.run.run_id,
                landing=landing,
                plans=training_plans(current, problems, chosen_learner(current)),
                problems=problems.train,
                budget=Budget(),
                endpoint=None,
                earlier=None,
                term="term",
            ),
        )


@pytest.fixture
async def both(prepared: Path, tmp_path: Path) -> AsyncGenerator[tuple[Session, Shard], None]:
    async with collecting(prepared, tmp_path, "execution.concurrency=1") as made:
        yield made


@pytest.fixture
def current(both: tuple[Session, Shard]) -> Session:
    return both[0]


@pytest.fixture
def shard(both: tuple[Session, Shard]) -> Shard:
    return both[1]


def stored(current: Session) -> dict[str, str]:
    return dict(current.reader.rollout_statuses(current.run.run_id))


def paid(current: Session) -> int:
    with paid_answers(current) as store:
        return store.paid()[0]


@pytest.mark.slow
async def test_a_shard_lands_and_is_stored_with_its_answers(current: Session, shard: Shard) -> None:
    assert await run_shard(shard) == ShardReport()
    assert set(read_landed(shard.folder)["rollout_id"]) == {p.rollout_id for p in shard.plans}
    assert stored(current) == {}
    with paid_answers(current) as store:
        outcomes = take_in(current, store, shard)
    assert {outcome.rollout_id: error for outcome, error in outcomes} == {
        plan.rollout_id: None for plan in shard.plans
    }
    assert stored(current) == {plan.rollout_id: "ok" for plan in shard.plans}
    calls = current.warehouse.query("SELECT count(DISTINCT call_id) AS n FROM model_calls")
    assert paid(current) == calls["n"].item() > 0
    assert not any(result.rows.height for result in current.warehouse.audit())


@pytest.mark.slow
async def test_what_has_landed_or_is_stored_is_not_run_again(
    current: Session, shard: Shard
) -> None:
    await run_shard(shard)
    before = shard.answers.stat().st_mtime_ns, shard.folder.stat().st_mtime_ns
    await run_shard(shard)
    assert (shard.answers.stat().st_mtime_ns, shard.folder.stat().st_mtime_ns) == before
    with paid_answers(current) as store:
        take_in(current, store, shard)
    await run_shard(shard)
    assert not shard.answers.exists()
    assert not shard.folder.exists()


@pytest.mark.slow
async def test_a_shard_ends_at_its_cap_with_what_it_has(current: Session, shard: Shard) -> None:
    report = await run_shard(replace(shard, budget=Budget(max_calls=8)))
    assert report.exhausted is not None
    assert "llm.max_calls=8" in report.exhausted
    take_in_rest(current, wait_seconds=0.0)
    assert paid(current) == 8
    assert len(stored(current)) < len(shard.plans)


@pytest.mark.slow
async def test_a_shard_that_nobody_wants_any_more_stops_and_loses_no_answer(
    prepared: Path, tmp_path: Path
) -> None:
    slow = "llm.simulated.time_scale=0.1"
    async with collecting(prepared, tmp_path, slow) as (current, shard):
        working = asyncio.create_task(run_shard(shard))
        while not (shard.answers.exists() and calls_in(shard.answers) > 2):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        shard.landing.end()
        with pytest.raises(asyncio.CancelledError):
            await working
        take_in_rest(current, wait_seconds=0.0)
        before, finished = paid(current), stored(current)
        assert before > 2
        assert len(finished) < len(shard.plans)

        shard.landing.begin("second")
        with paid_answers(current) as store:
            earlier = copied_answers(shard.landing, store)
        rest = tuple(plan for plan in shard.plans if plan.rollout_id not in finished)
        again = replace(shard, plans=rest, term="second", earlier=earlier)
        await run_shard(again)
        new = calls_in(again.answers)
        take_in_rest(current, wait_seconds=0.0)
        assert paid(current) == before + new
        assert set(stored(current)) == {plan.rollout_id for plan in shard.plans}
        replayed = current.warehouse.query("SELECT sum(replayed_calls) AS n FROM rollouts")
        assert replayed["n"].item() > 0


def calls_in(path: Path) -> int:
    with ResponseStore(path) as store:
        return store.count()


@pytest.mark.slow
async def test_a_shard_of_an_earlier_term_does_nothing(current: Session, shard: Shard) -> None:
    shard.landing.begin("another")
    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(run_shard(shard))
    take_in_rest(current, wait_seconds=0.0)
    assert stored(current) == {}


@pytest.mark.slow
async def test_a_half_written_landing_runs_again_from_its_answers(
    current: Session, shard: Shard, capsys: pytest.CaptureFixture[str]
) -> None:
    await run_shard(shard)
    path = shard.folder / "operator_invocations.parquet"
    path.write_bytes(path.read_bytes()[:100])
    take_in_rest(current, wait_seconds=0.0)
    before = paid(current)
    assert stored(current) == {}
    assert before > 0
    said = capsys.readouterr().err
    assert str(shard.folder) in said
    assert "cannot be read" in said

    shard.landing.begin("again")
    with paid_answers(current) as store:
        earlier = copied_answers(shard.landing, store)
    await run_shard(replace(shard, term="again", earlier=earlier))
    take_in_rest(current, wait_seconds=0.0)
    assert paid(current) == before
    assert set(stored(current)) == {plan.rollout_id for plan in shard.plans}


@pytest.mark.slow
async def test_a_run_killed_before_it_deletes_what_it_stored_stores_it_once(
    current: Session, shard: Shard
) -> None:
    await run_shard(shard)
    with paid_answers(current) as store:
        store.absorb(shard.answers)
    merge_landed(current.warehouse, shard.folder)
    before = paid(current)
    take_in_rest(current, wait_seconds=0.0)
    take_in_rest(current, wait_seconds=0.0)
    assert paid(current) == before
    assert stored(current) == {plan.rollout_id: "ok" for plan in shard.plans}
    assert not shard.landing.folder.exists()


@pytest.mark.slow
async def test_a_worker_that_goes_on_too_long_is_named(current: Session, shard: Shard) -> None:
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with shard.landing.held(shard.name, wait_seconds=0.0):
            held.set()
            let_go.wait(10.0)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10.0)
    try:
        with pytest.raises(ServerError, match=f"still works on shard {shard.name}"):
            take_in_rest(current, wait_seconds=0.2)
        assert shard.landing.folder.exists()
    finally:
        let_go.set()
        holder.join()
    take_in_rest(current, wait_seconds=5.0)
    assert not shard.landing.folder.exists()
