"""The few numerical steps that the fits share: a penalised optimum and its standard errors."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
import scipy
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

MOST_ITERATIONS = 200
_HESSIAN_STEP = 1e-2


@dataclass(frozen=True, kw_only=True, slots=True)
class Prior:
    """Normal priors around the starting profile's values, one for each free parameter."""

    mean: Vector
    sigma: Vector

    def penalty(self, parameters: Vector) -> float:
        """−log density without its constant."""
        return float(np.sum(((parameters - self.mean) / self.sigma) ** 2) / 2.0)


class _Found(Protocol):
    """SciPy does not declare what it returns."""

    x: Vector


@dataclass(frozen=True, slots=True)
class Optimum:
    """Where likelihood times prior is largest."""

    parameters: Vector
    errors: Vector
    """Posterior standard deviations by the curvature there."""


def maximise(log_likelihood: Callable[[Vector], float], prior: Prior) -> Optimum:
    """The maximum a posteriori, sought from the prior's mean."""

    def objective(parameters: Vector) -> float:
        return prior.penalty(parameters) - log_likelihood(parameters)

    if prior.mean.size == 0:
        return Optimum(prior.mean, prior.mean)
    found = cast(
        "_Found",
        scipy.optimize.minimize(
            objective, prior.mean, method="L-BFGS-B", options={"maxiter": MOST_ITERATIONS}
        ),
    )
    best = np.asarray(found.x, dtype=np.float64)
    return Optimum(best, _errors(objective, best, prior))


def _errors(objective: Callable[[Vector], float], best: Vector, prior: Prior) -> Vector:
    """From second differences; the prior's where they give no curvature."""
    count = best.size
    steps = np.eye(count) * _HESSIAN_STEP
    hessian = np.empty((count, count))
    for i in range(count):
        for j in range(i, count):
            hessian[i, j] = hessian[j, i] = (
                objective(best + steps[i] + steps[j])
                - objective(best + steps[i] - steps[j])
                - objective(best - steps[i] + steps[j])
                + objective(best - steps[i] - steps[j])
            ) / (4 * _HESSIAN_STEP**2)
    try:
        variances = np.diag(np.linalg.inv(hessian))
    except np.linalg.LinAlgError:
        variances = np.full(count, -1.0)
    known = variances > 0.0
    return np.where(known, np.sqrt(np.where(known, variances, 1.0)), prior.sigma)


def log_sigmoid(logits: Matrix) -> Matrix:
    """log(1 / (1 + e^−x)) without overflow."""
    return -np.logaddexp(0.0, -logits)


def log_above(standardised: Matrix) -> Matrix:
    """log P(a standard normal lies above)."""
    return cast("Matrix", scipy.special.log_ndtr(-standardised))


def log_sum(logarithms: Matrix, axis: int) -> Matrix:
    """log Σ exp along an axis."""
    largest = np.max(logarithms, axis=axis, keepdims=True)
    total = np.log(np.sum(np.exp(logarithms - largest), axis=axis))
    return cast("Matrix", total + np.squeeze(largest, axis=axis))


def log_normal_density(values: Matrix, sigma: float) -> Matrix:
    """Of a normal with mean 0."""
    return -0.5 * (values / sigma) ** 2 - np.log(sigma * np.sqrt(2 * np.pi))
