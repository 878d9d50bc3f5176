"""Verdicts and tests: non-inferiority at a margin, McNemar, and many comparisons at once."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import scipy
from numpy.typing import NDArray

from lamas.domain import NonInferiorityVerdict
from lamas.errors import DomainError
from lamas.evaluation.hierarchical import PairedEstimate


@dataclass(frozen=True, kw_only=True, slots=True)
class NonInferiority:
    """Whether A is at most `margin` worse than B, where more is better."""

    margin: float
    low: float | None
    """Lower end of the 95 % interval of A − B, to be above −margin."""
    high: float | None
    p_value: float | None
    """One-sided, of the hypothesis A − B ≤ −margin; non-inferior exactly when below 0.025."""
    verdict: NonInferiorityVerdict


def non_inferiority(difference: PairedEstimate, *, margin: float) -> NonInferiority:
    """The verdict on a difference A − B by its two-sided 95 % interval (one-sided level 2.5 %).

    superior: low > 0. non-inferior: low > −margin. inferior: high ≤ −margin. inconclusive: else, or
    where there is no interval. The margin, > 0 and in the difference's unit, is to be fixed before
    the data are seen; DomainError when it is not positive.
    """
    if not (margin > 0.0 and math.isfinite(margin)):
        raise DomainError(f"the non-inferiority margin is {margin}; it must be above 0")
    low, high = difference.low, difference.high
    error, degrees = difference.standard_error, difference.degrees
    if low is None or high is None or error is None or degrees is None:
        return NonInferiority(
            margin=margin, low=low, high=high, p_value=None, verdict="inconclusive"
        )
    return NonInferiority(
        margin=margin,
        low=low,
        high=high,
        # Student's distribution; scipy.stats.t takes a second to load.
        p_value=float(scipy.special.stdtr(degrees, -(difference.value + margin) / error)),
        verdict=_verdict(low, high, margin),
    )


def _verdict(low: float, high: float, margin: float) -> NonInferiorityVerdict:
    if low > 0.0:
        return "superior"
    if low > -margin:
        return "non-inferior"
    return "inferior" if high <= -margin else "inconclusive"


@dataclass(frozen=True, kw_only=True, slots=True)
class McNemar:
    """Two-sided p-values of "A and B are right equally often", from paired right/wrong answers."""

    only_a: int
    """Problems that A alone got right."""
    only_b: int
    exact: float
    """Conditional binomial p-value; never above its level, often far below."""
    mid: float
    """Mid-p value: closer to its level, and with more power."""


def mcnemar(only_a: int, only_b: int) -> McNemar:
    """McNemar's test from the two counts of discordant problems; p-values 1 when there is none.

    For one run of each policy: answers of several seeds to one problem are not independent.
    Source: Fagerland, Lydersen, Laake, BMC Medical Research Methodology 13:91 (2013).
    """
    if only_a < 0 or only_b < 0:
        raise DomainError(f"counts of problems cannot be negative: {only_a}, {only_b}")
    n = only_a + only_b
    if n == 0:
        return McNemar(only_a=0, only_b=0, exact=1.0, mid=1.0)
    exact = float(scipy.stats.binomtest(only_a, n, 0.5).pvalue)
    observed = float(scipy.stats.binom.pmf(only_a, n, 0.5))
    # With equal counts both tails are the one observed outcome, which half counts once.
    weight = 0.5 if only_a == only_b else 1.0
    return McNemar(only_a=only_a, only_b=only_b, exact=exact, mid=exact - weight * observed)


def benjamini_hochberg(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjusted p-values: those below q make a set with a false discovery rate of at most q.

    For independent or positively dependent tests (Benjamini and Hochberg 1995). Raises DomainError
    for a p-value outside [0, 1].
    """
    outside = [f"{name}: {p}" for name, p in p_values.items() if not 0.0 <= p <= 1.0]
    if outside:
        raise DomainError(f"p-values lie in [0, 1], but {outside[0]}")
    if not p_values:
        return {}
    # SciPy does not declare what it returns.
    adjusted = cast(
        "NDArray[np.float64]",
        scipy.stats.false_discovery_control(list(p_values.values()), method="bh"),
    )
    return {name: float(p) for name, p in zip(p_values, adjusted, strict=True)}
