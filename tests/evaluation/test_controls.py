"""Neighbours and oracle: against their words, one problem at a time."""

import numpy as np
import pytest

from lamas.errors import DomainError
from lamas.evaluation.controls import Neighbours, gap_closed, oracle
from tests.training.table_world import world


def test_neighbours_choose_what_was_best_on_average_for_the_nearest() -> None:
    table, asked = world(60).table, world(15, seed=1).table
    neighbours = Neighbours(table, neighbours=7)
    found = neighbours.choose(neighbours.nearest(asked.embeddings), 0.1)
    for row, query in enumerate(asked.embeddings):
        nearest = sorted(range(60), key=lambda at: -float(query @ table.embeddings[at]))[:7]
        value = np.mean([table.score[at] - 0.1 * table.time[at] for at in nearest], axis=0)
        assert value[found[row]] == pytest.approx(value.max())


def test_their_multiplier_keeps_the_bound_without_looking_at_the_problem_itself() -> None:
    made = world(200)
    neighbours = Neighbours(made.table, neighbours=10)
    wanted = made.table.score[:, 1].mean() - 0.02
    multiplier = neighbours.multiplier(wanted)
    assert 0.01 < multiplier < 1.0
    unseen = world(400, seed=2).table
    chosen = neighbours.choose(neighbours.nearest(unseen.embeddings), multiplier)
    rows = np.arange(400)
    assert unseen.score[rows, chosen].mean() > unseen.score[:, 1].mean() - 0.06
    assert unseen.time[rows, chosen].mean() < 3.5


def test_more_neighbours_than_problems_are_refused() -> None:
    with pytest.raises(DomainError, match="10 nearest neighbours need more"):
        Neighbours(world(10).table, neighbours=10)


def test_the_oracle_takes_the_fastest_of_the_best() -> None:
    score = np.array([[0.0, 1.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.5, 0.0]])
    time = np.array([[1.0, 5.0, 4.0], [3.0, 2.0, 2.0], [9.0, 1.0, 1.0]])
    assert oracle(score, time).tolist() == [2, 1, 0]


@pytest.mark.slow
def test_the_gap_closed_is_a_share_of_the_way() -> None:
    assert gap_closed(0.75, fixed=0.7, oracle=0.9) == pytest.approx(0.25)
    assert gap_closed(0.7, fixed=0.7, oracle=0.7) is None
