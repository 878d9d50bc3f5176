"""Hypervolumes of many frontiers at once: against one frontier at a time; their difference."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.evaluation.hypervolume_interval import Array, compare_hypervolumes, hypervolumes


def one_at_a_time(score: list[float], time: list[float], worst: float, latest: float) -> float:
    """The area, as a sum of rectangles under the best score reached by each time."""
    marks = sorted({t for t in time if t < latest} | {latest})
    area = 0.0
    for begin, end in pairwise(marks):
        best = max([s for s, t in zip(score, time, strict=True) if t <= begin], default=worst)
        area += (end - begin) * max(best - worst, 0.0)
    return area


places = st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 4.0)), min_size=1, max_size=6)


@given(places)
def test_it_is_the_area_of_what_is_dominated(of: list[tuple[float, float]]) -> None:
    score, time = [s for s, _ in of], [t for _, t in of]
    found = hypervolumes(np.array([score]), np.array([time]), worst_score=0.3, worst_time=3.0)
    assert found[0] == pytest.approx(one_at_a_time(score, time, 0.3, 3.0), abs=1e-9)


def frontiers(gain: float, *, seeds: int = 4, problems: int = 300) -> tuple[Array, Array]:
    random = np.random.default_rng(5)
    score = (random.random((seeds, problems, 2)) < np.array([0.4, 0.6]) + gain).astype(float)
    return score, np.broadcast_to(np.array([1.0, 2.0]), score.shape)


def test_a_better_frontier_has_a_larger_hypervolume_beyond_chance() -> None:
    found = compare_hypervolumes(
        frontiers(0.2), frontiers(0.0), worst_score=0.0, worst_time=3.0, resamples=300
    )
    assert found.value == pytest.approx(0.4, abs=0.1)
    assert found.low is not None
    assert 0.0 < found.low < found.value


def test_the_value_is_that_of_the_means_averaged_over_seeds() -> None:
    better, worse = frontiers(0.1), frontiers(0.0)
    found = compare_hypervolumes(better, worse, worst_score=0.2, worst_time=2.5, resamples=50)
    expected = np.mean(
        [
            one_at_a_time(b[0].mean(0).tolist(), b[1].mean(0).tolist(), 0.2, 2.5)
            - one_at_a_time(w[0].mean(0).tolist(), w[1].mean(0).tolist(), 0.2, 2.5)
            for b, w in zip(zip(*better, strict=True), zip(*worse, strict=True), strict=True)
        ]
    )
    assert found.value == pytest.approx(expected)


@pytest.mark.slow
def test_a_frontier_against_itself_shows_no_difference() -> None:
    same = frontiers(0.0)
    found = compare_hypervolumes(same, same, worst_score=0.0, worst_time=3.0, resamples=50)
    assert (found.value, found.low) == (0.0, None)
