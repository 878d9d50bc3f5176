"""Answer lengths: lognormal around each operator's mean, stretched by each problem.

log tokens = log mean − s²/2 + (for scaled lengths) v − σ²/2 + s·ε, with v normal of standard
deviation σ shared by all calls of a problem. v is summed over evenly spaced nodes; an answer cut by
max_tokens counts as at least so long.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamas.calibration.numerics import (
    Matrix,
    Prior,
    Vector,
    log_above,
    log_normal_density,
    log_sum,
    maximise,
)
from lamas.calibration.observations import CallLength, Part
from lamas.calibration.right_or_wrong import (
    CORRELATION_PRIOR,
    LEAST_LENGTHS,
    LEAST_REPEATED,
    NODES,
)

LEAST_CALLS = 5
"""Uncut calls of one length, for it to be fitted."""
_PROBLEM_NODES: Vector = np.linspace(-8.0, 8.0, 241)
_LEAST_SIGMA = 0.02
LOG_MEAN_PRIOR = 2.0
LOG_SIGMA_PRIOR = 1.0
_GRID: Vector = np.tanh(np.linspace(-1.8, 1.8, 145))

Measure = tuple[str, Part]
"""(operator, which of its lengths)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LengthParameters:
    """One point in the space of parameters."""

    means: Mapping[Measure, float]
    """Tokens, the population's factor included."""
    sigmas: Mapping[Measure, float]
    problem_sigma: float


class Lengths:
    """Calls added up by problem and measure, ready for the likelihood."""

    def __init__(
        self,
        calls: Sequence[CallLength],
        problem_ids: Sequence[str],
        scaled: Mapping[Measure, bool],
    ) -> None:
        """`scaled`: for each measure whether a problem's own length applies."""
        place = {name: index for index, name in enumerate(problem_ids)}
        self.measures = tuple(scaled)
        column = {measure: index for index, measure in enumerate(self.measures)}
        self.scaled: Vector = np.array([float(scaled[item]) for item in self.measures])
        shape = (len(place), len(column))
        self._n, self._sum, self._squares = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        cut: list[tuple[int, int, float]] = []
        for call in calls:
            row, col = place[call.problem_id], column[call.operator, call.part]
            logarithm = float(np.log(max(call.tokens, 1)))
            if call.cut:
                cut.append((row, col, logarithm))
                continue
            self._n[row, col] += 1
            self._sum[row, col] += logarithm
            self._squares[row, col] += logarithm**2
        self._cut_rows: NDArray[np.intp] = np.array([item[0] for item in cut], dtype=np.intp)
        self._cut_columns: NDArray[np.intp] = np.array([item[1] for item in cut], dtype=np.intp)
        self._limits: Vector = np.array([item[2] for item in cut])
        self.counts = {m: int(self._n[:, i].sum()) for m, i in column.items()}
        """Uncut calls of every measure."""
        self.cuts = {m: int(np.sum(self._cut_columns == i)) for m, i in column.items()}
        scaled_calls = self._n @ self.scaled
        self.repeated = int(np.sum(scaled_calls >= 2))
        """Problems with at least two scaled calls."""

    def log_joint(self, at: LengthParameters) -> Matrix:
        """log likelihood of each problem's calls with v at σ·`_PROBLEM_NODES` [P, V]."""
        sigmas = np.array([at.sigmas[item] for item in self.measures])
        means = np.array([at.means[item] for item in self.measures])
        centres = np.log(means) - sigmas**2 / 2 - self.scaled * at.problem_sigma**2 / 2
        v = at.problem_sigma * _PROBLEM_NODES
        residual = self._sum - self._n * centres
        squares = self._squares - 2 * centres * self._sum + self._n * centres**2
        precision = 1.0 / sigmas**2
        curve = (self._n * self.scaled**2) @ precision
        slope = (residual * self.scaled) @ precision
        level = squares @ precision + self._n @ np.log(2 * np.pi * sigmas**2)
        joint = -0.5 * (level[:, None] - 2 * slope[:, None] * v + curve[:, None] * v**2)
        if self._limits.size:
            columns = self._cut_columns
            beyond = self._limits - centres[columns]
            scaled_v = self.scaled[columns][:, None] * v
            above = log_above((beyond[:, None] - scaled_v) / sigmas[columns][:, None])
            np.add.at(joint, self._cut_rows, above)
        return joint

    def log_likelihood(self, at: LengthParameters) -> float:
        return float(log_sum(self.log_joint(at) + _LOG_PRIOR, axis=1).sum())

    def stretch(self, at: LengthParameters) -> tuple[Vector, Vector, NDArray[np.bool_]]:
        """(estimate of v/σ without the prior, its variance, whether there is one) by problem."""
        joint = self.log_joint(at) + _LOG_PRIOR
        weights = np.exp(joint - log_sum(joint, axis=1)[:, None])
        mean = weights @ _PROBLEM_NODES
        variance = np.maximum(weights @ _PROBLEM_NODES**2 - mean**2, 1e-9)
        known = variance < 0.99
        information = np.where(known, 1.0 / variance - 1.0, 1.0)
        return mean / variance / information, 1.0 / information, known


_LOG_PRIOR: Matrix = (
    log_normal_density(_PROBLEM_NODES, 1.0) + np.log(_PROBLEM_NODES[1] - _PROBLEM_NODES[0])
)[None, :]


@dataclass(frozen=True, kw_only=True, slots=True)
class LengthFit:
    """What was found."""

    best: LengthParameters
    errors: Mapping[str, float]
    """Posterior standard deviations of logarithms, by `operator.part.mean`, `operator.part.sigma`
    and `problem_sigma`."""


def fit_lengths(lengths: Lengths, start: LengthParameters) -> LengthFit:
    """Maximum a posteriori of what the calls can tell; all else stays at `start`."""
    shared = lengths.repeated >= LEAST_REPEATED
    count = len(lengths.measures)

    def floored(value: float) -> float:
        return float(np.log(max(value, _LEAST_SIGMA)))

    def unpacked(parameters: Vector) -> LengthParameters:
        values = np.exp(parameters)
        return LengthParameters(
            means=dict(zip(lengths.measures, map(float, values[:count]), strict=True)),
            sigmas={
                measure: max(float(value), _LEAST_SIGMA)
                for measure, value in zip(lengths.measures, values[count : 2 * count], strict=True)
            },
            problem_sigma=max(float(values[-1]), 1e-3) if shared else start.problem_sigma,
        )

    prior = Prior(
        mean=np.array(
            [float(np.log(start.means[item])) for item in lengths.measures]
            + [floored(start.sigmas[item]) for item in lengths.measures]
            + ([floored(start.problem_sigma)] if shared else [])
        ),
        sigma=np.array(
            [LOG_MEAN_PRIOR] * count + [LOG_SIGMA_PRIOR] * count + [LOG_SIGMA_PRIOR] * shared
        ),
    )
    found = maximise(lambda parameters: lengths.log_likelihood(unpacked(parameters)), prior)
    names = [
        *(".".join((*item, "mean")) for item in lengths.measures),
        *(".".join((*item, "sigma")) for item in lengths.measures),
        *(["problem_sigma"] if shared else []),
    ]
    return LengthFit(
        best=unpacked(found.parameters),
        errors=dict(zip(names, map(float, found.errors), strict=True)),
    )


def fit_correlation(
    lengths: Lengths, at: LengthParameters, log_posterior: Matrix, start: float
) -> float | None:
    """Correlation of a problem's length with its difficulty; None when too few problems tell.

    `log_posterior` [problems, `NODES`] is what right and wrong answers say of each difficulty.
    """
    estimate, variance, known = lengths.stretch(at)
    if lengths.repeated < LEAST_REPEATED or int(known.sum()) < LEAST_LENGTHS:
        return None
    posterior = log_posterior[known]
    estimate, variance = estimate[known], variance[known]
    scores: list[float] = []
    for rho in _GRID:
        spread = np.sqrt(variance + 1.0 - rho**2)[:, None]
        offsets = (estimate[:, None] - rho * NODES[None, :]) / spread
        likelihood = log_sum(posterior - 0.5 * offsets**2 - np.log(spread), axis=1).sum()
        distance = np.arctanh(rho) - np.arctanh(np.clip(start, -0.9, 0.9))
        scores.append(float(likelihood - 0.5 * (distance / CORRELATION_PRIOR) ** 2))
    return float(_GRID[int(np.argmax(scores))])
