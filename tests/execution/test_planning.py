"""Rollout ids: equal for equal plans, different for different slots, a new one for each retry."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.domain import ExecutionGraph, GraphChoice, PlannedRollout
from lamas.execution.planning import PlanKey, owed, plan
from tests.factories import OPERATORS, make_problem

KEY = PlanKey(
    run_id="run-1",
    purpose="train",
    policy="lamas",
    checkpoint_id="lamas-0",
    mode="sampled",
    execution_mode="parallel",
    step=1,
)
CHOICE = GraphChoice(ExecutionGraph.of([["Generate"]], OPERATORS), ())
OTHER_CHOICE = GraphChoice(ExecutionGraph.of([["GenerateCoT"]], OPERATORS), ())


def first(
    key: PlanKey = KEY, *, problem: int = 0, sample: int = 0, choice: GraphChoice = CHOICE
) -> PlannedRollout:
    return plan(key, make_problem(problem), choice, sample_index=sample, seed=7)


def test_an_id_is_a_function_of_the_slot_alone() -> None:
    # Stored rollouts are found again by this id: changing how it is made strands them.
    assert first().rollout_id == "cc302d724997843544f80b134e2ec613"
    assert first().rollout_id == first(choice=OTHER_CHOICE).rollout_id
    assert first().retry == 0


def test_every_part_of_the_slot_makes_another_id() -> None:
    keys = [
        KEY,
        replace(KEY, run_id="run-2"),
        replace(KEY, purpose="evaluate"),
        replace(KEY, policy="paper"),
        replace(KEY, checkpoint_id=None),
        replace(KEY, execution_mode="sequential"),
        replace(KEY, step=2),
    ]
    planned = [first(key) for key in keys] + [first(problem=1), first(sample=1)]
    assert len({item.rollout_id for item in planned}) == len(planned)


def test_a_plan_carries_what_it_was_made_of() -> None:
    planned = first(sample=3)
    assert planned.graph == CHOICE.graph
    assert (planned.run_id, planned.step, planned.sample_index, planned.seed) == ("run-1", 1, 3, 7)
    assert planned.problem_id == make_problem(0).problem_id


def test_stored_rollouts_are_not_owed() -> None:
    plans = [first(sample=number) for number in range(4)]
    finished = {plans[0].rollout_id: "ok", plans[2].rollout_id: "failed"}
    assert owed(plans, finished, retry_failed=False) == (plans[1], plans[3])


def test_a_failed_slot_is_planned_again_under_the_next_number() -> None:
    planned = first()
    (again,) = owed([planned], {planned.rollout_id: "failed"}, retry_failed=True)
    assert again == replace(planned, rollout_id=again.rollout_id, retry=1)
    assert again.rollout_id != planned.rollout_id


@given(failures=st.integers(0, 6), ends=st.sampled_from(["open", "ok"]))
def test_retries_follow_each_other_until_one_succeeds(failures: int, ends: str) -> None:
    planned = first()
    finished: dict[str, str] = {}
    for number in range(failures):
        (item,) = owed([planned], finished, retry_failed=True)
        assert item.retry == number
        finished[item.rollout_id] = "failed"
    (last,) = owed([planned], finished, retry_failed=True)
    assert last.retry == failures
    if ends == "ok":
        finished[last.rollout_id] = "ok"
        assert owed([planned], finished, retry_failed=True) == ()
    assert len(finished) == failures + (ends == "ok")


@pytest.mark.slow
@pytest.mark.parametrize("retry_failed", [True, False])
def test_nothing_stored_owes_everything(retry_failed: bool) -> None:
    plans = tuple(first(sample=number) for number in range(3))
    assert owed(plans, {}, retry_failed=retry_failed) == plans
