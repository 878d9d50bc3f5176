"""What any learned policy must beat: the nearest neighbours, chance; and the oracle above all."""

import math

import numpy as np
from numpy.typing import NDArray

from lamas.errors import DomainError
from lamas.execution.graph_values import Floats
from lamas.training.constraint import largest_multiplier, multiplier_range
from lamas.training.training_table import TrainingTable

NEIGHBOURS = 20


class Neighbours:
    """Chooses what was best, on average, for the k training problems that are nearest.

    Nearness is the inner product of embeddings, which have length 1. Nothing is fitted.
    """

    def __init__(self, table: TrainingTable, *, neighbours: int = NEIGHBOURS) -> None:
        """Raises DomainError for a table without a problem beyond the neighbours."""
        if not 1 <= neighbours < len(table.embeddings):
            raise DomainError(
                f"{neighbours} nearest neighbours need more than as many training problems, the "
                f"table has {len(table.embeddings)}"
            )
        self._table = table
        self._neighbours = neighbours

    def nearest(self, embeddings: Floats) -> NDArray[np.int64]:
        """[P, k]: the training problems nearest to each of [P, 384], in their order."""
        return self._nearest(embeddings @ self._table.embeddings.T)

    def nearest_left_out(self) -> NDArray[np.int64]:
        """[P, k]: those nearest to each training problem, itself left out."""
        nearness: Floats = self._table.embeddings @ self._table.embeddings.T
        np.fill_diagonal(nearness, -np.inf)
        return self._nearest(nearness)

    def choose(self, nearest: NDArray[np.int64], multiplier: float) -> NDArray[np.int64]:
        """[P]: the graph, as a column of the table, of the highest mean value S − μ·T."""
        value = self._table.score - multiplier * self._table.time
        return value[nearest].mean(axis=1).argmax(axis=1)

    def multiplier(self, wanted_score: float) -> float:
        """The largest at which the training problems, each judged by its neighbours without
        itself, score `wanted_score`.
        """
        table, nearest = self._table, self.nearest_left_out()
        rows = np.arange(len(nearest))

        def score_at(condition: float) -> float:
            return float(table.score[rows, self.choose(nearest, math.exp(condition))].mean())

        low, high = (math.log(end) for end in multiplier_range(table.score, table.time))
        return math.exp(largest_multiplier(score_at, wanted_score, low=low, high=high))

    def multiplier_within(self, deadline: float) -> float:
        """The smallest at which the training problems, judged so, take at most `deadline`; the
        largest there is where none does.
        """
        table, nearest = self._table, self.nearest_left_out()
        rows = np.arange(len(nearest))

        def hurry_at(condition: float) -> float:
            return float(table.time[rows, self.choose(nearest, math.exp(-condition))].mean())

        low, high = (math.log(end) for end in multiplier_range(table.score, table.time))
        # Time falls as the multiplier rises: of −log μ the largest that still keeps the deadline.
        found = largest_multiplier(
            lambda condition: -hurry_at(condition), -deadline, low=-high, high=-low
        )
        return math.exp(-found)

    def _nearest(self, nearness: Floats) -> NDArray[np.int64]:
        found = np.argpartition(-nearness, self._neighbours, axis=1)[:, : self._neighbours]
        # In the order of the problems: sums then do not depend on how they were partitioned.
        return np.sort(found, axis=1)


def oracle(score: Floats, time: Floats) -> NDArray[np.int64]:
    """[P]: of the columns of [P, G] the one of the highest score, at a tie the fastest.

    Known only afterwards: what no policy over these graphs can exceed.
    """
    best = score == score.max(axis=1, keepdims=True)
    return np.where(best, time, np.inf).argmin(axis=1)


def gap_closed(value: float, *, fixed: float, oracle: float) -> float | None:
    """The share of the way from the best fixed graph to the oracle; None where there is none."""
    return None if oracle <= fixed else (value - fixed) / (oracle - fixed)
