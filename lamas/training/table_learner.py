"""Learning from a table: one conditioned controller that serves every trade of score for time."""

import math
import time as clock
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lamas.controller import Controller, ControllerSettings, Embeddings, build_controller
from lamas.controller.conditioned_policy import POINTS
from lamas.controller.threads import bounded_threads
from lamas.domain import OperatorSet
from lamas.errors import ConfigurationError, DomainError
from lamas.execution.graph_values import Floats, one_layer_graphs
from lamas.training.constraint import (
    FixedGraph,
    best_fixed,
    fewest_as_good,
    largest_multiplier,
    multiplier_range,
)
from lamas.training.expected import ExactChoices
from lamas.training.landmarks import Landmarks
from lamas.training.ridge import best_strength
from lamas.training.table_decisions import decided_of, policy_of, predicted_scores
from lamas.training.table_settings import TableSettings
from lamas.training.table_steps import OnStep, StepRecorder
from lamas.training.table_weights import Common, WeightFits, table_random
from lamas.training.training_table import TrainingTable


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TableFit:
    """A fitted controller and what is known of it from problems its fits did not see."""

    controller: Controller
    best: FixedGraph
    """On the training problems."""
    steps: int
    """Gradient steps taken: as many as did best on problems not fitted to."""
    multiplier: float
    """The controller's own: the largest at which its score is held to stay within the margin of
    `best`, by what problems not fitted to scored and what was predicted for them."""
    score: float
    """At that multiplier, on problems not fitted to."""
    time: float
    expected_score: float
    """Of sampled graphs, at that multiplier, on the problems fitted to."""
    expected_time: float
    decided_score: float
    """Of decided graphs, likewise: as good as the expectation where the policy is committed."""
    decided_time: float
    units: tuple[float, float]
    """What a score and a time vary by from graph to graph; values are divided by (a + μ·b)."""
    seconds: float
    """What the fit took."""


def fit_table(
    table: TrainingTable,
    operators: OperatorSet,
    operator_embeddings: Embeddings,
    *,
    controller: ControllerSettings,
    settings: TableSettings | None = None,
    seed: int = 0,
    on_step: OnStep | None = None,
) -> TableFit:
    """A controller=conditioned, fitted to the exact expectation over all graphs of the table.

    Its own multiplier and its operating points come from fits that each leave out one of
    `settings.folds` parts. Equal arguments give equal weights. `on_step` hears of every step of the
    fit that is kept; the last one's controller is what is returned. Raises ConfigurationError for
    another controller, DomainError for a table with fewer problems than parts.
    """
    settings = settings or TableSettings()
    if controller.kind != "conditioned":
        raise ConfigurationError(
            f"learner=table trains controller=conditioned, {controller.kind!r} is configured"
        )
    wanted = one_layer_graphs(operators, width=controller.width or 1, quorum=controller.quorum)
    if table.graphs != wanted:
        raise DomainError(
            f"the table values {len(table.graphs)} graphs, this controller chooses among the "
            f"{len(wanted)} that one_layer_graphs gives for its operators and width"
        )
    if len(table.embeddings) < settings.folds:
        raise DomainError(
            f"a table of {len(table.embeddings)} problems is too small for {settings.folds} parts: "
            "tabulate more problems"
        )
    started = clock.perf_counter()
    with bounded_threads():
        fit = _Fit(table, operators, operator_embeddings, controller, settings, seed)
        return fit.run(started, on_step)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Seen:
    """Some problems of the table as one controller sees them."""

    controller: Controller
    rows: NDArray[np.int64]
    encoded: Tensor
    """[len(rows), hidden]."""


_LeftOut = Sequence[_Seen]
"""Controllers, each with the problems it was not fitted to."""

# Multipliers at which fits are compared.
_GRID = 17


class _Fit:
    """The fits of one table; they share the range of multipliers and the scale of rewards."""

    def __init__(
        self,
        table: TrainingTable,
        operators: OperatorSet,
        operator_embeddings: Embeddings,
        controller: ControllerSettings,
        settings: TableSettings,
        seed: int,
    ) -> None:
        self._table = table
        self._settings = settings
        self._seed = seed
        low, high = multiplier_range(table.score, table.time)
        self._low, self._high = math.log(low), math.log(high)
        # What a score and a time vary by from graph to graph: they weigh the multipliers alike.
        self._units = (
            max(float(table.score.std(axis=1).mean()), 1e-9),
            max(float(table.time.std(axis=1).mean()), 1e-9),
        )
        landmarks = Landmarks.of(table.embeddings, table_random(seed, "landmarks"))
        strength = best_strength(
            landmarks.features(),
            controller.hidden,
            table.score,
            table.time,
            multipliers=np.exp(np.array(self._grid(_GRID))),
            units=self._units,
        )
        self._weights = WeightFits(
            table,
            landmarks,
            Common(
                range=(self._low, self._high),
                units=self._units,
                strength=strength,
                settings=settings,
                seed=seed,
            ),
            lambda: build_controller(controller, operators, operator_embeddings),
        )

    def run(self, started: float, on_step: OnStep | None) -> TableFit:
        table = self._table
        everything = np.arange(len(table.embeddings))
        parts = self._parts()
        by_part = [
            self._weights.fits(
                np.setdiff1d(everything, part), f"without {place}", self._settings.steps
            )
            for place, part in enumerate(parts)
        ]
        by_steps = [
            [self._seen(fit, part) for fit, part in zip(fits, parts, strict=True)]
            for fits in zip(*by_part, strict=True)
        ]
        steps = fewest_as_good([self._values(left_out) for left_out in by_steps])
        left_out = by_steps[steps]
        best = best_fixed(table.graphs, table.score, table.time)
        own = largest_multiplier(
            lambda condition: self._slack(left_out, condition, best),
            0.0,
            low=self._low,
            high=self._high,
        )
        recorder = StepRecorder(on_step)
        taken = (self._settings.steps[steps],)
        (final,) = self._weights.fits(everything, "all", taken, recorder)
        policy = policy_of(final)
        policy.default.fill_(own)
        points = [(math.exp(at), *self._unseen(left_out, at)) for at in self._grid(POINTS)]
        policy.points.copy_(torch.tensor(points, dtype=torch.float64))
        recorder.left(final)
        score, time = self._unseen(left_out, own)
        seen = self._seen(final, everything)
        expected = self._expected(seen, own)
        decided = self._decided(seen, own)
        return TableFit(
            controller=final,
            best=best,
            steps=self._settings.steps[steps],
            multiplier=math.exp(own),
            score=score,
            time=time,
            expected_score=expected[0],
            expected_time=expected[1],
            decided_score=decided[0] / len(everything),
            decided_time=decided[1] / len(everything),
            units=self._units,
            seconds=clock.perf_counter() - started,
        )

    def _grid(self, count: int) -> list[float]:
        """Logarithms of multipliers, evenly over the range."""
        return np.linspace(self._low, self._high, count).tolist()

    def _values(self, left_out: _LeftOut) -> Floats:
        """[P]: mean value over all multipliers of what the controller that did not see a problem
        decides for it.
        """
        total = np.zeros(len(self._table.embeddings))
        for condition in self._grid(_GRID):
            price = math.exp(condition)
            value = self._table.score - price * self._table.time
            for seen in left_out:
                chosen = decided_of(seen.controller, seen.encoded, condition)
                total[seen.rows] += value[seen.rows, chosen] / (
                    self._units[0] + price * self._units[1]
                )
        return total / _GRID

    def _slack(self, left_out: _LeftOut, condition: float, best: FixedGraph) -> float:
        """How far the score is above what it must not fall below, on problems not fitted to.

        What the decided graphs scored is right on average but moves with every answer; what the
        policy predicts for them hardly moves, but believes too much where it was fitted to few
        problems. Their mean, and never more than was scored, is the gain on the best fixed graph.
        It may be no lower than −margin, and a standard error below it no lower than
        −doubtful_margin: of multipliers tried on few answers the largest that seems to keep a bound
        is one that was lucky.
        """
        count = len(self._table.embeddings)
        scored, predicted = np.empty(count), np.empty(count)
        for seen in left_out:
            found = predicted_scores(seen.controller, seen.encoded)
            chosen = decided_of(seen.controller, seen.encoded, condition)
            rows = np.arange(len(chosen))
            predicted[seen.rows] = found[rows, chosen] - found[:, best.column]
            actual = self._table.score[seen.rows]
            scored[seen.rows] = actual[rows, chosen] - actual[:, best.column]
        gain = float(min(scored.mean(), (scored.mean() + predicted.mean()) / 2))
        error = float(scored.std() / np.sqrt(count))
        settings = self._settings
        return min(gain + settings.margin, gain - error + settings.doubtful_margin)

    def _parts(self) -> list[NDArray[np.int64]]:
        order = table_random(self._seed, "parts").permutation(len(self._table.embeddings))
        return [np.sort(part) for part in np.array_split(order, self._settings.folds)]

    def _unseen(self, left_out: _LeftOut, condition: float) -> tuple[float, float]:
        """Mean score and time, each problem decided by the controller that did not see it."""
        totals = [self._decided(seen, condition) for seen in left_out]
        count = len(self._table.embeddings)
        return sum(score for score, _ in totals) / count, sum(time for _, time in totals) / count

    def _seen(self, controller: Controller, rows: NDArray[np.int64]) -> _Seen:
        encoded = self._weights.encoded(controller, rows)
        return _Seen(controller=controller, rows=rows, encoded=encoded)

    def _decided(self, seen: _Seen, condition: float) -> tuple[float, float]:
        """Sums of score and time of the decided graphs of some problems."""
        chosen = decided_of(seen.controller, seen.encoded, condition)
        return (
            float(self._table.score[seen.rows, chosen].sum()),
            float(self._table.time[seen.rows, chosen].sum()),
        )

    @torch.no_grad()
    def _expected(self, seen: _Seen, condition: float) -> tuple[float, float]:
        """Mean score and time of sampled graphs of all problems, exactly."""
        conditions = torch.full((len(seen.encoded),), condition, dtype=torch.float64)
        found = ExactChoices(seen.controller).of(seen.encoded, conditions).numpy()
        return (
            float((found * self._table.score).sum(axis=1).mean()),
            float((found * self._table.time).sum(axis=1).mean()),
        )
