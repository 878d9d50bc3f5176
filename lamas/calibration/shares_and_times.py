"""The parts of a profile that stand for themselves: shares, agreement, picks, seconds."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lamas.calibration.numerics import Prior, Vector, log_sigmoid, maximise
from lamas.calibration.observations import CallSeconds, Selection, WrongAnswer

PRIOR_WEIGHT = 4.0
"""Observations that the starting profile's share counts for."""
LEAST_SHARED = 10
"""Observations, for a share to be fitted."""
LEAST_SELECTIONS = 20
LEAST_SECONDS = 20
MOST_DISTINCT = 16
"""Wrong answers of one problem that a profile can hold."""
_CONCENTRATIONS: Vector = np.linspace(0.005, 1.0, 200)


def share(successes: int, n: int, start: float) -> float:
    """Posterior mean of a share with a beta prior around `start`."""
    return (successes + PRIOR_WEIGHT * start) / (n + PRIOR_WEIGHT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """How wrong answers of one problem agree."""

    distinct: int
    concentration: float
    problems: int
    """With at least two readable wrong answers."""


def agreement(concentration: Vector, distinct: int) -> Vector:
    """P(two wrong answers of a problem are equal), shares ∝ concentration^k for k < distinct."""
    shares = concentration[:, None] ** np.arange(distinct)
    return np.sum(shares**2, axis=1) / np.sum(shares, axis=1) ** 2


def fit_agreement(
    wrong: Sequence[WrongAnswer], distinct: int, concentration: float
) -> Agreement | None:
    """The concentration whose agreement is that of the observed pairs; None for too few problems.

    `distinct` grows to its limit when so few wrong answers cannot disagree as much.
    """
    by_problem: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for item in wrong:
        by_problem[item.problem_id][item.answer] += 1
    repeated = [counts for counts in by_problem.values() if counts.total() >= 2]
    if len(repeated) < LEAST_SHARED:
        return None
    # A problem with m wrong answers weighs m − 1 of its pairs' mean, not all m(m − 1)/2 pairs.
    weight = sum(counts.total() - 1 for counts in repeated)
    agreeing = sum(
        sum(n * (n - 1) for n in counts.values()) / counts.total() for counts in repeated
    )
    at_start = float(agreement(np.array([concentration]), distinct)[0])
    target = (agreeing + PRIOR_WEIGHT * at_start) / (weight + PRIOR_WEIGHT)
    if target < 1.0 / distinct:
        distinct = MOST_DISTINCT
    place = int(np.argmin(np.abs(agreement(_CONCENTRATIONS, distinct) - target)))
    return Agreement(
        distinct=distinct,
        concentration=float(_CONCENTRATIONS[place]),
        problems=len(repeated),
    )


def fit_selection(
    picks: Sequence[Selection], bias: float, steepness: float
) -> tuple[float, float] | None:
    """(bias, steepness) of P(a right one) = sigmoid(bias + steepness · margin); None for few."""
    if len(picks) < LEAST_SELECTIONS:
        return None
    margins = np.array([item.margin for item in picks])
    signs = np.array([1.0 if item.right else -1.0 for item in picks])

    def log_likelihood(parameters: Vector) -> float:
        logits = parameters[0] + np.exp(parameters[1]) * margins
        return float(log_sigmoid(signs * logits).sum())

    prior = Prior(mean=np.array([bias, np.log(max(steepness, 0.1))]), sigma=np.array([2.0, 1.0]))
    found = maximise(log_likelihood, prior).parameters
    return float(found[0]), float(np.exp(found[1]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """A lognormal quantity."""

    median: float
    sigma: float
    n: int


def lognormal(values: Sequence[float]) -> Spread | None:
    """By the moments of the logarithm of what is positive; None for too few."""
    logarithms = np.log([value for value in values if value > 0.0])
    if logarithms.size < LEAST_SECONDS:
        return None
    return Spread(
        median=float(np.exp(logarithms.mean())),
        sigma=float(logarithms.std(ddof=1)),
        n=int(logarithms.size),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """Seconds to the first token and from token to token."""

    first: Spread | None
    """Its sigma is NaN when only a line through whole answers gave the median."""
    per_token: Spread | None


def fit_pace(calls: Sequence[CallSeconds]) -> Pace:
    """From streamed calls; without enough of them from a line through seconds by tokens."""
    streamed = [
        (call.first_token_seconds, (call.seconds - call.first_token_seconds) / call.tokens)
        for call in calls
        if call.first_token_seconds is not None and call.tokens > 0
    ]
    first = lognormal([item[0] for item in streamed])
    if first is not None:
        return Pace(first=first, per_token=lognormal([item[1] for item in streamed]))
    whole = [call for call in calls if call.seconds > 0.0 and call.tokens > 0]
    tokens = np.array([float(call.tokens) for call in whole])
    seconds = np.array([call.seconds for call in whole])
    if len(whole) < LEAST_SECONDS or tokens.std() < 0.1 * tokens.mean():
        return Pace(first=None, per_token=None)
    # Errors are in proportion to the seconds, so each call is divided by its own.
    weighted = np.stack([1.0 / seconds, tokens / seconds], axis=1)
    line = np.linalg.lstsq(weighted, np.ones(len(whole)), rcond=None)[0]
    start = min(max(float(line[0]), 1e-3), 0.9 * float(seconds.min()))
    per_token = lognormal([float(value) for value in (seconds - start) / tokens])
    return Pace(first=Spread(median=start, sigma=float("nan"), n=len(whole)), per_token=per_token)
