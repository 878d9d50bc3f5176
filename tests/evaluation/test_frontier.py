"""Frontier and hypervolume against naive references."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.errors import DomainError
from lamas.evaluation import Tradeoff, dominated, frontier, hypervolume

# Few distinct values, so that ties are common.
POINTS = st.lists(
    st.builds(
        Tradeoff,
        name=st.sampled_from("abc"),
        score=st.integers(0, 5).map(float),
        expense=st.integers(0, 5).map(float),
    ),
    max_size=10,
)


def beats(one: Tradeoff, other: Tradeoff) -> bool:
    no_worse = one.score >= other.score and one.expense <= other.expense
    return no_worse and (one.score > other.score or one.expense < other.expense)


@given(POINTS)
def test_dominated_are_those_another_beats(points: list[Tradeoff]) -> None:
    naive = tuple(any(beats(other, point) for other in points) for point in points)
    assert dominated(points) == naive
    assert sorted(map(repr, frontier(points))) == sorted(
        repr(point) for point, beaten in zip(points, naive, strict=True) if not beaten
    )


@given(POINTS)
def test_hypervolume_counts_the_cells_that_some_point_covers(points: list[Tradeoff]) -> None:
    # Unit squares between the corner (score 1, expense 4) and the best (5, 0).
    covered = sum(
        any(point.score >= score + 1 and point.expense <= expense for point in points)
        for score in range(1, 5)
        for expense in range(4)
    )
    assert hypervolume(points, worst_score=1.0, worst_expense=4.0) == covered
    assert hypervolume(points[::-1], worst_score=1.0, worst_expense=4.0) == covered
    assert hypervolume(frontier(points), worst_score=1.0, worst_expense=4.0) == covered


def test_a_frontier_by_hand() -> None:
    cheap, middle, dear = (
        Tradeoff("cheap", 0.5, 100),
        Tradeoff("m", 0.8, 300),
        Tradeoff("d", 1, 600),
    )
    worse = Tradeoff("worse", 0.7, 400)
    points = [dear, worse, cheap, middle]
    assert dominated(points) == (False, True, False, False)
    assert frontier(points) == (cheap, middle, dear)
    # 0.5 · 900 + 0.3 · 700 + 0.2 · 400
    assert hypervolume(points, worst_score=0.0, worst_expense=1000.0) == pytest.approx(740.0)
    assert hypervolume([], worst_score=0.0, worst_expense=1000.0) == 0.0


@pytest.mark.slow
def test_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(DomainError, match="x: score nan"):
        dominated([Tradeoff("x", math.nan, 1.0)])
    with pytest.raises(DomainError, match="corner"):
        hypervolume([], worst_score=0.0, worst_expense=math.inf)
