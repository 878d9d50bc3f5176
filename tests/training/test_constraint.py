"""The best fixed graph, the range of multipliers, and the largest that keeps a bound."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.errors import DomainError
from lamas.execution.graph_values import one_layer_graphs
from lamas.training.constraint import (
    best_fixed,
    fewest_as_good,
    fixed_frontier,
    largest_multiplier,
    multiplier_range,
)
from tests.training.table_world import OPERATORS

GRAPHS = one_layer_graphs(OPERATORS, width=2)


def test_the_best_fixed_graph_scores_most_and_at_a_tie_is_fastest() -> None:
    score = np.array([[0.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
    time = np.array([[1.0, 3.0, 2.0], [1.0, 3.0, 2.0]])
    best = best_fixed(GRAPHS, score, time)
    assert (best.column, best.score, best.time) == (2, 1.0, 2.0)
    assert best_fixed(GRAPHS, score, time, deadline=1.5).column == 0
    with pytest.raises(DomainError, match=r"at most 0\.5 .* fastest takes 1"):
        best_fixed(GRAPHS, score, time, deadline=0.5)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=6))
def test_the_frontier_is_what_some_multiplier_prefers(of: list[tuple[int, int]]) -> None:
    score = np.array([[float(s) for s, _ in of]])
    time = np.array([[float(t) for _, t in of]])
    found = fixed_frontier(score, time)
    reached = {(score[0, at], time[0, at]) for at in found}
    for multiplier in np.geomspace(1e-3, 1e3, 61):
        best = (score[0] - multiplier * time[0]).max()
        assert any(s - multiplier * t == pytest.approx(best) for s, t in reached)
    assert all(a < b for a, b in pairwise(time[0, found].tolist()))


def test_the_range_reaches_beyond_the_slopes() -> None:
    low, high = multiplier_range(np.array([[0.2, 0.6, 0.7]]), np.array([[1.0, 2.0, 4.0]]))
    assert low < 0.05
    assert high > 0.4
    one, other = multiplier_range(np.array([[0.5, 0.1]]), np.array([[1.0, 2.0]]))
    assert 0.0 < one < other


@given(st.floats(-3.0, 3.0))
def test_bisection_finds_where_a_falling_score_meets_the_bound(at: float) -> None:
    found = largest_multiplier(lambda x: -x, -at, low=-3.0, high=3.0)
    assert found == pytest.approx(at, abs=1e-4)


@pytest.mark.slow
def test_a_bound_that_nothing_meets_leaves_the_most_careful() -> None:
    assert largest_multiplier(lambda _: 0.0, 1.0, low=-3.0, high=3.0) == -3.0


@pytest.mark.slow
def test_more_steps_must_gain_more_than_chance() -> None:
    first = np.array([0.0, 1.0, 0.0, 1.0])
    by_chance = first + np.array([0.5, -0.4, 0.3, -0.2])
    surely = first + 0.1
    assert fewest_as_good([first, by_chance]) == 0
    assert fewest_as_good([first, surely]) == 1
    assert fewest_as_good([surely, first]) == 0
