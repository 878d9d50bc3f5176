"""The order in which what members make is written."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.comparison.member_run import Item, Step
from flows.comparison.run import in_order
from flows.run.learners import Moved
from lamas.domain import Rollout
from lamas.training.latency_credit import Credited
from tests.factories import make_checkpoint, make_rollout
from tests.warehouse.records import make_update

ROLLOUT = make_rollout()


def drawn_by(checkpoint_id: str) -> Rollout:
    return replace(ROLLOUT, plan=replace(ROLLOUT.plan, checkpoint_id=checkpoint_id))


def step_to(checkpoint_id: str) -> Step:
    checkpoint = replace(make_checkpoint(1), checkpoint_id=checkpoint_id)
    moved = Moved(update=make_update(), checkpoint=checkpoint)
    return Step(moved=moved, credited=Credited(credits=()), obsolete=None)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), max_size=30))
def test_no_rollout_is_written_before_the_checkpoint_that_drew_it(
    events: list[tuple[bool, int]],
) -> None:
    items: list[Item] = [step_to(str(n)) if step else drawn_by(str(n)) for step, n in events]
    parts = in_order(items)
    assert [item for part in parts for item in part] == items
    for part in parts:
        made: set[str] = set()
        for item in part:
            if isinstance(item, Step):
                made.add(item.moved.checkpoint.checkpoint_id)
            elif isinstance(item, Rollout):
                # Rollouts of a part are written before its steps.
                assert item.plan.checkpoint_id not in made


@pytest.mark.slow
def test_what_does_not_depend_on_each_other_is_written_together() -> None:
    items: list[Item] = [drawn_by("a"), step_to("b"), drawn_by("c"), step_to("d")]
    assert in_order(items) == [items]
