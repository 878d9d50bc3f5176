"""Draws are functions of their key, and have the distributions they promise."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.llm.simulated.randomness import Draws, sigmoid


@given(st.lists(st.text(), min_size=1), st.text(), st.text())
def test_a_draw_depends_on_key_and_purpose_alone(key: list[str], purpose: str, other: str) -> None:
    draws = Draws(*key)
    draws.uniform(other)
    assert draws.integer(purpose) == Draws(*key).integer(purpose)
    assert 0.0 < draws.uniform(purpose) < 1.0


def test_keys_and_purposes_give_different_draws() -> None:
    values = {Draws(a, b).integer(c) for a in "xyz" for b in "xyz" for c in "xyz"}
    assert len(values) == 27
    assert Draws("ab", "c").integer("p") != Draws("a", "bc").integer("p")


def test_uniform_normal_and_weighted_distributions() -> None:
    draws = Draws("distribution")
    uniform = [draws.uniform(str(i)) for i in range(4000)]
    normal = [draws.normal(str(i)) for i in range(4000)]
    picks = [draws.weighted(str(i), (3.0, 0.0, 1.0)) for i in range(4000)]
    assert statistics.mean(uniform) == pytest.approx(0.5, abs=4 * math.sqrt(1 / 12 / 4000))
    assert statistics.mean(normal) == pytest.approx(0.0, abs=4 / math.sqrt(4000))
    assert statistics.stdev(normal) == pytest.approx(1.0, abs=0.05)
    assert picks.count(0) / 4000 == pytest.approx(0.75, abs=4 * math.sqrt(0.75 * 0.25 / 4000))
    assert picks.count(1) == 0


@pytest.mark.slow
@pytest.mark.parametrize("logit", [-800.0, -3.0, 0.0, 3.0, 800.0])
def test_sigmoid_never_overflows_and_is_symmetric(logit: float) -> None:
    assert 0.0 <= sigmoid(logit) <= 1.0
    assert sigmoid(logit) + sigmoid(-logit) == pytest.approx(1.0)
