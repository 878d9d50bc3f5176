"""Which checkpoint is champion follows from the decisions taken, each with its evidence."""

import json

import pytest

from lamas.errors import WarehouseError
from tests.factories import T0, make_checkpoint, make_rollout
from tests.naive import naive_labels
from warehouse import Registry, Warehouse
from warehouse.writer import Writer


@pytest.fixture
def registry(warehouse: Warehouse) -> Registry:
    return Registry(warehouse)


def statuses(registry: Registry) -> list[str]:
    return [item.status for item in registry.checkpoints()]


@pytest.mark.slow
def test_there_is_no_champion_before_the_first_promotion(registry: Registry) -> None:
    assert registry.champion() is None
    assert registry.promotions() == ()
    assert registry.checkpoint("lamas-1") == make_checkpoint(1)
    assert registry.checkpoints("run-1") == tuple(make_checkpoint(number) for number in range(3))
    assert registry.checkpoints("another") == ()


@pytest.mark.slow
def test_a_promotion_retires_the_champion_and_keeps_its_evidence(registry: Registry) -> None:
    registry.promote("lamas-1", evidence={"score": 0.5}, run_id="run-1", decided_at=T0)
    champion = registry.promote("lamas-2", evidence={"score": 0.75, "n": 40})
    assert champion.checkpoint_id == "lamas-2"
    assert registry.champion() == champion
    assert statuses(registry) == ["candidate", "retired", "champion"]
    first, second = registry.promotions()
    assert (first.decision, first.previous_checkpoint_id, first.run_id) == (
        "promoted",
        None,
        "run-1",
    )
    assert (second.promotion_number, second.previous_checkpoint_id) == (2, "lamas-1")
    assert json.loads(second.evidence) == {"n": 40, "score": 0.75}


def test_promoting_the_champion_changes_nothing(registry: Registry) -> None:
    first = registry.promote("lamas-1", evidence={})
    assert registry.promote("lamas-1", evidence={"again": True}) == first
    assert len(registry.promotions()) == 1


@pytest.mark.slow
def test_a_checkpoint_that_rollouts_refer_to_can_be_promoted(
    registry: Registry, warehouse: Warehouse
) -> None:
    item = make_rollout(checkpoint_id="lamas-1")
    Writer(warehouse).add_rollouts([(item, naive_labels(item.trace))])
    registry.promote("lamas-1", evidence={})
    registry.promote("lamas-2", evidence={})
    assert registry.rollback().checkpoint_id == "lamas-1"


@pytest.mark.slow
def test_a_rollback_returns_champions_in_turn(registry: Registry) -> None:
    for number in range(3):
        registry.promote(f"lamas-{number}", evidence={})
    assert registry.rollback(evidence={"why": "slower"}).checkpoint_id == "lamas-1"
    assert registry.rollback().checkpoint_id == "lamas-0"
    assert statuses(registry) == ["champion", "retired", "retired"]
    last = registry.promotions()[-1]
    assert (last.decision, last.previous_checkpoint_id) == ("rolled_back", "lamas-1")
    with pytest.raises(WarehouseError, match="lamas-0 replaced no other"):
        registry.rollback()


@pytest.mark.slow
def test_a_rejection_is_on_record_and_changes_no_status(
    registry: Registry, warehouse: Warehouse
) -> None:
    registry.promote("lamas-1", evidence={})
    registry.reject("lamas-2", evidence={"reason": "no better"})
    assert statuses(registry) == ["candidate", "champion", "candidate"]
    assert registry.promotions()[-1].decision == "rejected"
    assert [item.name for item in warehouse.audit() if item.rows.height] == []


@pytest.mark.slow
def test_what_cannot_be_decided_is_refused(registry: Registry) -> None:
    with pytest.raises(WarehouseError, match="checkpoint nope is unknown"):
        registry.promote("nope", evidence={})
    with pytest.raises(WarehouseError, match="no champion to roll back"):
        registry.rollback()
    assert registry.promotions() == ()
