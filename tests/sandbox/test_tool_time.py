"""Charged seconds: measured, or drawn once and for all from the program's text."""

import math
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamas.errors import ConfigurationError
from lamas.sandbox import MeasuredToolTime, ModelledToolTime


@settings(deadline=None)
@given(st.text(), st.floats(min_value=0, max_value=1e6))
def test_measured_time_is_what_was_measured(program: str, seconds: float) -> None:
    assert MeasuredToolTime().charge(program, seconds) == seconds


@settings(deadline=None)
@given(st.text(), st.integers(), st.floats(0, 100), st.floats(0, 100))
def test_modelled_time_depends_on_seed_and_program_alone(
    program: str, seed: int, first: float, second: float
) -> None:
    once = ModelledToolTime(seed, 1.5, 0.7).charge(program, first)
    again = ModelledToolTime(seed, 1.5, 0.7).charge(program, second)
    assert once == again > 0


def test_modelled_time_is_log_normal() -> None:
    modelled = ModelledToolTime(7, 2.0, 0.5)
    logs = [math.log(modelled.charge(f"print({n})", 0.0)) for n in range(4000)]
    assert statistics.median(logs) == pytest.approx(math.log(2.0), abs=0.04)
    assert statistics.stdev(logs) == pytest.approx(0.5, abs=0.03)
    assert len(set(logs)) == 4000


def test_another_seed_gives_other_times() -> None:
    assert ModelledToolTime(1, 2.0, 0.5).charge("p", 0) != ModelledToolTime(2, 2.0, 0.5).charge(
        "p", 0
    )
    assert ModelledToolTime(1, 2.0, 0.0).charge("p", 0) == 2.0


@pytest.mark.slow
@pytest.mark.parametrize(("median", "sigma"), [(0, 1), (-1, 1), (math.inf, 1), (1, -0.1)])
def test_impossible_parameters_are_refused(median: float, sigma: float) -> None:
    with pytest.raises(ConfigurationError):
        ModelledToolTime(0, median, sigma)
