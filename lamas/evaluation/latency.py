"""How predicted seconds, or CP_len, agree with measured ones on rollouts kept from the fit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from lamas.domain import Rollout, derive_seed
from lamas.domain.latency import Agreement, LatencyFit, PredictedSeconds
from lamas.errors import DomainError


def split_rollouts(
    rollout_ids: Sequence[str], *, fraction: float, seed: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(fitted on, held out), each sorted; a function of ids and seed, at least one in each.

    Raises DomainError for fewer than two rollouts.
    """
    ids = sorted(set(rollout_ids))
    if len(ids) < 2:
        raise DomainError(
            f"{len(ids)} measured rollouts: holding some out needs at least 2; collect more"
        )
    shuffled = sorted(ids, key=lambda item: (derive_seed("latency split", seed, item), item))
    count = min(max(round(fraction * len(ids)), 1), len(ids) - 1)
    return tuple(sorted(shuffled[count:])), tuple(sorted(shuffled[:count]))


LEAST_SPREAD = 1e-9
"""Of the largest value: what differs by less is the same, to the SQL macro `varies` as well."""


def agreement(predicted: Sequence[float], measured: Sequence[float]) -> Agreement:
    """Errors and correlations of predicted with measured seconds, pair by pair."""
    guess, truth = np.asarray(predicted, dtype=float), np.asarray(measured, dtype=float)
    errors = np.abs(guess - truth)[truth > 0.0] / truth[truth > 0.0]
    spread = float(np.sum((truth - truth.mean()) ** 2)) if truth.size else 0.0
    return Agreement(
        n=int(truth.size),
        median_absolute_percentage_error=100.0 * float(np.median(errors)) if errors.size else None,
        r_squared=1.0 - float(np.sum((truth - guess) ** 2)) / spread if _varies(truth) else None,
        pearson=pearson(guess, truth),
        spearman=spearman(guess, truth),
    )


def pearson(
    left: Sequence[float] | NDArray[np.float64], right: Sequence[float] | NDArray[np.float64]
) -> float | None:
    """Correlation of two equally long sequences; None unless both vary by more than rounding."""
    first, second = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if not (_varies(first) and _varies(second)):
        return None
    first, second = first - first.mean(), second - second.mean()
    value = float(first @ second) / math.sqrt(float(first @ first) * float(second @ second))
    return min(max(value, -1.0), 1.0)


def spearman(
    left: Sequence[float] | NDArray[np.float64], right: Sequence[float] | NDArray[np.float64]
) -> float | None:
    """Pearson correlation of average ranks; None unless both vary by more than rounding."""
    if not all(_varies(np.asarray(values, dtype=np.float64)) for values in (left, right)):
        return None
    ranks = [np.asarray(scipy.stats.rankdata(values), dtype=np.float64) for values in (left, right)]
    return pearson(*ranks)


def _varies(values: NDArray[np.float64]) -> bool:
    """By more than the last digits: sums that are equal on paper may differ in them."""
    return bool(values.size) and float(np.ptp(values)) > LEAST_SPREAD * float(np.abs(values).max())


def proxy_line(cp_tokens: Sequence[float], makespans: Sequence[float]) -> tuple[float, float]:
    """(seconds at CP_len 0, seconds per token) of the least-squares line; flat if CP_len does not
    vary. The proxy's best case: its own tokens, the measured scale.
    """
    tokens, seconds = np.asarray(cp_tokens, dtype=float), np.asarray(makespans, dtype=float)
    if tokens.size < 2 or np.ptp(tokens) == 0.0:
        return (float(seconds.mean()) if seconds.size else 0.0), 0.0
    centred = tokens - tokens.mean()
    slope = float(centred @ (seconds - seconds.mean())) / float(centred @ centred)
    return float(seconds.mean()) - slope * float(tokens.mean()), slope


BETWEEN_CALLS = 0.1
"""Predicted over measured makespan may differ from 1 by so much before a note says why."""


@dataclass(frozen=True, kw_only=True)
class Correlation:
    """How CP tokens and predicted seconds go with measured seconds, in held-out rollouts."""

    of: str
    """An operator's invocations, or all rollouts."""
    n: int
    cp_pearson: float | None
    cp_spearman: float | None
    predicted_pearson: float | None
    predicted_spearman: float | None


@dataclass(frozen=True, kw_only=True)
class LatencyResult:
    """One fitted latency model as it is shown."""

    fit: LatencyFit
    operators: tuple[Correlation, ...]
    notes: tuple[str, ...]


def operator_correlations(
    rollouts: Sequence[Rollout], seconds: Sequence[dict[str, float]]
) -> tuple[Correlation, ...]:
    """One row for each operator, by name; those that take no time correlate with nothing."""
    points: dict[str, list[tuple[float, float, float]]] = {}
    for rollout, predicted in zip(rollouts, seconds, strict=True):
        for item in rollout.trace.invocations:
            point = (item.cp_tokens, predicted[item.invocation_id], item.seconds)
            points.setdefault(item.operator, []).append(point)
    rows: list[Correlation] = []
    for name in sorted(points):
        tokens, guesses, truth = zip(*points[name], strict=True)
        rows.append(
            Correlation(
                of=name,
                n=len(truth),
                cp_pearson=pearson(tokens, truth),
                cp_spearman=spearman(tokens, truth),
                predicted_pearson=pearson(guesses, truth),
                predicted_spearman=spearman(guesses, truth),
            )
        )
    return tuple(rows)


def time_between_calls(predicted: Sequence[float], measured: Sequence[float]) -> tuple[str, ...]:
    """Says so when makespans are not what their calls take."""
    ratios = sorted(
        guess / truth for guess, truth in zip(predicted, measured, strict=True) if truth > 0.0
    )
    typical = ratios[len(ratios) // 2] if ratios else 1.0
    if abs(typical - 1.0) <= BETWEEN_CALLS:
        return ()
    return (
        f"predicted makespans are {typical:.2f} times the measured ones: the rest is not in the "
        "calls but between them (waiting for a slot, the machine itself), or in the slowest of "
        "several; the line through CP_len was fitted to makespans, the latency model to calls",
    )


def held_out_predictions(
    fit: LatencyFit, seconds: Sequence[dict[str, float]]
) -> tuple[PredictedSeconds, ...]:
    """What the fit predicts of held-out rollouts; `seconds` by invocation, one a rollout."""
    return tuple(
        PredictedSeconds(
            invocation_id=invocation_id,
            latency_model_id=fit.model.latency_model_id,
            seconds=value,
            held_out=True,
        )
        for of_rollout in seconds
        for invocation_id, value in of_rollout.items()
    )
