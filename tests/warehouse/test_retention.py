"""Runs are deleted whole; what the rest needs stays, and every audit stays clean."""

from dataclasses import replace
from pathlib import Path

import pytest

from lamas.domain import ComparisonMember
from lamas.errors import WarehouseError
from tests.factories import make_checkpoint, make_run
from tests.naive import naive_credits, naive_labels
from tests.random_rollouts import random_rollouts
from warehouse import Registry, Warehouse
from warehouse.reader import Reader
from warehouse.retention import ended_before, prune
from warehouse.writer import Writer


def counts(warehouse: Warehouse) -> dict[str, int]:
    tables = warehouse.query("SELECT table_name FROM duckdb_tables()")["table_name"].to_list()
    return {name: warehouse.query(f"SELECT count(*) FROM {name}").item() for name in tables}


def unclean(warehouse: Warehouse) -> list[str]:
    return [result.name for result in warehouse.audit() if result.rows.height]


@pytest.fixture
def two_runs(warehouse: Warehouse) -> Warehouse:
    """`run-1` with three checkpoints, `run-2` that goes on from the last of them with its own."""
    writer = Writer(warehouse)
    writer.add_run(replace(make_run("run-2"), started_at=make_run().started_at + 1000.0))
    own = replace(
        make_checkpoint(3),
        checkpoint_id="of-run-2",
        run_id="run-2",
        parent_id="lamas-2",
        step=3,
        digest="f" * 32,
        path="checkpoints/of-run-2",
    )
    writer.add_checkpoint(own)
    for run_id, seed in (("run-1", 1), ("run-2", 2)):
        batch = random_rollouts(30, seed=seed, run_id=run_id)
        writer.add_rollouts([(item, naive_labels(item.trace)) for item in batch])
        usable = [item for item in batch if item.status == "ok"]
        writer.add_credits([credit for item in usable for credit in naive_credits(item, "uniform")])
        writer.finish_run(run_id, "completed", ended_at=make_run().started_at + 2000.0 * seed)
    return warehouse


@pytest.mark.slow
def test_a_run_goes_with_all_that_hangs_on_it(two_runs: Warehouse) -> None:
    before = counts(two_runs)
    stays = two_runs.query("FROM rollouts WHERE run_id = 'run-1' ORDER BY rollout_id")
    pruning = prune(two_runs, ["run-2"], apply=True)
    assert pruning.gone == ("run-2",)
    assert pruning.checkpoint_paths == ("checkpoints/of-run-2",)
    assert two_runs.query("SELECT run_id FROM runs").rows() == [("run-1",)]
    assert two_runs.query("FROM rollouts ORDER BY rollout_id").equals(stays)
    after = counts(two_runs)
    assert after["model_calls"] < before["model_calls"]
    assert after["problems"] == before["problems"]
    assert unclean(two_runs) == []
    Writer(two_runs).add_run(make_run("run-3"))


@pytest.mark.slow
def test_without_apply_nothing_changes(two_runs: Warehouse) -> None:
    before = two_runs.path.read_bytes()
    assert prune(two_runs, ["run-1", "run-2"], apply=False).gone == ("run-1", "run-2")
    assert two_runs.path.read_bytes() == before
    assert len(list(two_runs.path.parent.glob(".*"))) == 0


@pytest.mark.slow
def test_the_champion_and_its_ancestors_stay(two_runs: Warehouse) -> None:
    registry = Registry(two_runs)
    registry.promote("lamas-1", evidence={}, run_id="run-1")
    registry.promote("of-run-2", evidence={}, run_id="run-2")
    pruning = prune(two_runs, ["run-1", "run-2"], apply=True)
    assert pruning.checkpoint_paths == ()
    assert [run.kept_checkpoints for run in pruning.runs] == [3, 1]
    assert counts(two_runs)["rollouts"] == counts(two_runs)["credits"] == 0
    assert {item.checkpoint_id for item in registry.checkpoints()} == {
        "lamas-0",
        "lamas-1",
        "lamas-2",
        "of-run-2",
    }
    assert unclean(two_runs) == []
    # A rollback still has somewhere to go, and may be followed by another pruning.
    assert registry.rollback().checkpoint_id == "lamas-1"
    prune(two_runs, ["run-1", "run-2"], apply=True)
    assert unclean(two_runs) == []


@pytest.mark.slow
def test_what_other_runs_refer_to_stays(two_runs: Warehouse) -> None:
    """`run-2` measured `lamas-0` of `run-1` and goes on from `lamas-2`."""
    pruning = prune(two_runs, ["run-1"], apply=True)
    assert pruning.gone == ("run-1",)
    assert {run.run_id for run in Reader(two_runs).runs()} == {"run-1", "run-2"}
    assert two_runs.query("SELECT DISTINCT run_id FROM rollouts").rows() == [("run-2",)]
    assert unclean(two_runs) == []


@pytest.mark.slow
def test_members_go_with_their_comparison_and_not_before(two_runs: Warehouse) -> None:
    writer = Writer(two_runs)
    writer.add_run(replace(make_run("compared"), kind="compare"))
    writer.add_comparison_members(
        [
            ComparisonMember(
                comparison_run_id="compared",
                variant="lamas",
                training_seed=0,
                run_id="run-2",
                learned=True,
            )
        ]
    )
    kept = prune(two_runs, ["run-2"], apply=True)
    assert kept.gone == ()
    assert "comparison compared" in (kept.runs[0].stays_because or "")
    assert set(prune(two_runs, ["compared"], apply=True).gone) == {"compared", "run-2"}
    assert unclean(two_runs) == []


@pytest.mark.slow
def test_age_counts_from_the_end(two_runs: Warehouse) -> None:
    start = make_run().started_at
    assert ended_before(two_runs, start + 3000.0) == ("run-1",)
    assert ended_before(two_runs, start + 1e6) == ("run-1", "run-2")


@pytest.mark.slow
def test_space_is_given_back(two_runs: Warehouse) -> None:
    writer = Writer(two_runs)
    writer.add_run(make_run("large"))
    for seed in range(3, 8):
        batch = random_rollouts(200, seed=seed, run_id="large", at_step=seed)
        writer.add_rollouts([(item, naive_labels(item.trace)) for item in batch])
    before = two_runs.path.stat().st_size
    prune(two_runs, ["large"], apply=True)
    assert two_runs.path.stat().st_size < 0.8 * before


@pytest.mark.slow
def test_failing_leaves_the_file_as_it_was(
    two_runs: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = counts(two_runs)
    monkeypatch.setattr("warehouse.retention.os.replace", full)
    with pytest.raises(WarehouseError, match="nothing was deleted"):
        prune(two_runs, ["run-2"], apply=True)
    assert counts(two_runs) == before
    assert [path.name for path in Path(two_runs.path.parent).iterdir()] == [two_runs.path.name]
