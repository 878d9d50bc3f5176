"""From a deadline to a multiplier."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.controller.condition import Condition, OperatingPoint, multiplier_of
from lamas.errors import ConfigurationError, ControllerError


def points(*of: tuple[float, float]) -> list[OperatingPoint]:
    return [OperatingPoint(multiplier=m, score=0.5, time=t) for m, t in of]


KNOWN = points((0.01, 4.0), (0.1, 2.0), (1.0, 1.0))


def test_a_deadline_between_two_points_is_interpolated() -> None:
    found = multiplier_of(Condition(deadline=3.0), KNOWN, default=1.0)
    assert found == pytest.approx(math.sqrt(0.01 * 0.1))


def test_a_late_deadline_means_the_most_careful_point() -> None:
    assert multiplier_of(Condition(deadline=9.0), KNOWN, default=1.0) == 0.01


def test_without_a_condition_the_default_holds() -> None:
    assert multiplier_of(Condition(), KNOWN, default=0.3) == 0.3
    assert multiplier_of(Condition(multiplier=0.7), KNOWN, default=0.3) == 0.7


def test_a_dip_below_the_deadline_beyond_a_slow_point_is_not_used() -> None:
    known = points((0.01, 1.5), (0.1, 3.0), (1.0, 1.0))
    found = multiplier_of(Condition(deadline=2.0), known, default=1.0)
    assert 0.1 < found < 1.0


@given(st.floats(1.0, 5.0), st.floats(1.0, 5.0))
def test_a_later_deadline_never_means_a_higher_price(a: float, b: float) -> None:
    early, late = (multiplier_of(Condition(deadline=d), KNOWN, default=1.0) for d in sorted((a, b)))
    assert late <= early


def test_what_cannot_be_met_is_refused_with_what_can() -> None:
    with pytest.raises(ConfigurationError, match=r"deadline=0\.5 is below .* take 1 on average"):
        multiplier_of(Condition(deadline=0.5), KNOWN, default=1.0)
    with pytest.raises(ControllerError, match="no operating points"):
        multiplier_of(Condition(deadline=0.5), [], default=1.0)
    with pytest.raises(ConfigurationError, match="give one of them"):
        Condition(deadline=1.0, multiplier=1.0)
    with pytest.raises(ConfigurationError, match="must be a number > 0"):
        Condition(deadline=0.0)
