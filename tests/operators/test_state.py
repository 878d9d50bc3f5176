"""How a layer's results are merged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.domain import OperatorSet, OperatorSpec
from lamas.operators import Candidate, Catalogue, SolutionState
from tests.operators.chains import state_of
from tests.scripted import last_number

OPERATORS: OperatorSet = Catalogue(read_answer=last_number).for_family("math")


def layer_results(names: tuple[str, ...]) -> list[tuple[OperatorSpec, tuple[Candidate, ...]]]:
    specs = [OPERATORS.spec(name) for name in OPERATORS.in_order(names)]
    counts = [1 if spec.replaces else spec.adds for spec in specs]
    return [
        (spec, tuple(Candidate(f"{spec.name} {number}", spec.name) for number in range(count)))
        for spec, count in zip(specs, counts, strict=True)
    ]


@given(st.sets(st.sampled_from(OPERATORS.names), min_size=1), st.integers(0, 4))
def test_the_count_is_what_the_operator_set_foretells(names: set[str], before: int) -> None:
    state = state_of(*(f"old {number}" for number in range(before)))
    after = state.merged(layer_results(tuple(names)))
    assert len(after.candidates) == OPERATORS.candidates_after(before, tuple(names))


def test_additions_follow_in_catalogue_order_and_the_last_is_current() -> None:
    after = state_of("old").merged(layer_results(("SelfRefine", "Generate")))
    assert [candidate.text for candidate in after.candidates] == [
        "old",
        "Generate 0",
        "SelfRefine 0",
    ]
    assert after.current == Candidate("SelfRefine 0", "SelfRefine")


def test_a_pick_stands_in_for_what_was_there_and_is_current() -> None:
    after = state_of("a", "b").merged(layer_results(("Programmer", "ScEnsemble")))
    assert [candidate.text for candidate in after.candidates] == ["ScEnsemble 0", "Programmer 0"]
    assert after.current == Candidate("ScEnsemble 0", "ScEnsemble")


@pytest.mark.slow
def test_a_layer_that_leaves_nothing_changes_nothing() -> None:
    state = state_of("a", "b")
    assert state.merged(layer_results(("EarlyStop",))) == state
    assert SolutionState().merged([]) == SolutionState()
