"""How many problems a comparison needs to show non-inferiority at a margin."""

import math

import scipy

from lamas.errors import DomainError

LEVEL = 0.025
"""One-sided, the level of a two-sided 95 % interval."""
POWER = 0.9


def problems_for_binary(
    *,
    margin: float,
    discordant: float,
    difference: float = 0.0,
    level: float = LEVEL,
    power: float = POWER,
) -> int:
    """Problems to show with right/wrong answers that A is at most `margin` worse than B.

    `discordant` in (0, 1]: the share of problems that exactly one of the two gets right;
    `difference`: the true share of A − B (|difference| ≤ discordant). Normal approximation of the
    Wald interval's power, with the variance discordant − difference² of one pair:
    n = (z₁₋level + z_power)² · variance / (margin + difference)². For one run of each policy; with
    several seeds the same number of problems shows more. DomainError for values without such an n.
    """
    _check(margin, difference, level, power)
    if not (0.0 < discordant <= 1.0 and abs(difference) <= discordant):
        raise DomainError(
            f"a share {discordant} of discordant problems allows no difference of {difference}; "
            "it must lie in (0, 1] and be no less than the difference"
        )
    variance = discordant - difference**2
    return max(2, math.ceil(_effort(level, power) * variance / (margin + difference) ** 2))


def problems_for_continuous(
    *,
    margin: float,
    standard_deviation: float,
    difference: float = 0.0,
    level: float = LEVEL,
    power: float = POWER,
) -> int:
    """Problems to show that a paired mean of A − B is above −margin.

    `standard_deviation` of the paired differences, in the unit of `margin`; for a log-ratio all in
    natural logarithms. The smallest n at which the one-sample t test has the power, by the
    noncentral t distribution. DomainError for values that allow no such n.
    """
    _check(margin, difference, level, power)
    if not (standard_deviation > 0.0 and math.isfinite(standard_deviation)):
        raise DomainError(f"the standard deviation is {standard_deviation}; it must be above 0")
    effect = (margin + difference) / standard_deviation
    # The normal approximation falls short of the t test's n by a few only.
    n = max(2, math.floor(_effort(level, power) / effect**2))
    while _power_of_t(n, effect, level) < power:
        n += 1
    return n


def _power_of_t(n: int, effect: float, level: float) -> float:
    critical = float(scipy.stats.t.ppf(1 - level, n - 1))
    return float(scipy.stats.nct.sf(critical, n - 1, effect * math.sqrt(n)))


def _effort(level: float, power: float) -> float:
    return float(scipy.stats.norm.isf(level) + scipy.stats.norm.ppf(power)) ** 2


def _check(margin: float, difference: float, level: float, power: float) -> None:
    if not margin > 0.0:
        raise DomainError(f"the non-inferiority margin is {margin}; it must be above 0")
    if not margin + difference > 0.0:
        raise DomainError(
            f"a true difference of {difference} is not within the margin {margin}; "
            "no number of problems shows what is false"
        )
    if not (0.0 < level < 0.5 < power < 1.0):
        raise DomainError(f"level {level} must be in (0, 0.5) and power {power} in (0.5, 1)")
