"""Baselines: against their definitions, and recomputable to the last bit."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamas.errors import ConfigurationError
from lamas.training import (
    BASELINES,
    BaselineSettings,
    BaselineState,
    DecisionReward,
    build_baseline,
)

Batch = list[tuple[str, str, float]]

numbers = st.floats(-2.0, 2.0, allow_nan=False)
batches = st.lists(st.lists(numbers, min_size=1, max_size=8), min_size=1, max_size=6)


def rewards(batch: Batch) -> list[DecisionReward]:
    return [
        DecisionReward(
            rollout_id=rollout,
            problem_id=problem,
            layer=1,
            operator="Generate",
            credit_rule="uniform",
            score_term=value,
            cost_term=0.0,
            latency_term=0.0,
        )
        for problem, rollout, value in batch
    ]


def own_rollouts(values: list[float], problem: str = "p") -> list[DecisionReward]:
    return rewards([(problem, f"r{place}", value) for place, value in enumerate(values)])


@settings(max_examples=60, deadline=None)
@given(batches)
def test_ema_is_the_weighted_mean_and_variance_of_all_batches(values: list[list[float]]) -> None:
    baseline = build_baseline("ema")
    state = BaselineState()
    for batch in values:
        _, state = baseline.advance(state, own_rollouts(batch))
    weights = np.array([0.95 ** (len(values) - 1 - place) for place in range(len(values))])
    weights /= weights.sum()
    mean = sum(w * np.mean(batch) for w, batch in zip(weights, values, strict=True))
    square = sum(w * np.mean(np.square(batch)) for w, batch in zip(weights, values, strict=True))
    assert state.mean == pytest.approx(mean, abs=1e-9)
    assert state.variance == pytest.approx(square - mean**2, abs=1e-9)
    assert state.batches == len(values)


def test_the_first_batch_is_compared_with_itself() -> None:
    advantages, state = build_baseline("ema").advance(BaselineState(), own_rollouts([0.0, 1.0]))
    assert state == BaselineState(batches=1, mean=0.5, variance=0.25)
    assert [item.advantage for item in advantages] == [-1.0, 1.0]
    assert [(item.baseline, item.scale) for item in advantages] == [(0.5, 0.5)] * 2


def test_the_scale_has_a_floor() -> None:
    advantages, _ = build_baseline("ema").advance(BaselineState(), own_rollouts([0.5, 0.5]))
    assert [(item.scale, item.advantage) for item in advantages] == [(0.01, 0.0)] * 2


def test_leave_one_out_compares_with_the_others_of_the_same_problem() -> None:
    batch: Batch = [
        ("easy", "a", 1.0),
        ("easy", "a", 0.8),
        ("easy", "b", 0.5),
        ("easy", "c", 0.7),
        ("hard", "d", 0.2),
        ("hard", "e", 0.0),
        ("lone", "f", 0.3),
    ]
    advantages, state = build_baseline("leave_one_out").advance(BaselineState(), rewards(batch))
    means = {"a": 0.9, "b": 0.5, "c": 0.7, "d": 0.2, "e": 0.0, "f": 0.3}
    expected = [0.6, 0.6, 0.8, 0.7, 0.0, 0.2, sum(v for k, v in means.items() if k != "f") / 5]
    assert [item.baseline for item in advantages] == pytest.approx(expected)
    gaps = [value - b for (_, _, value), b in zip(batch, expected, strict=True)]
    scale = math.sqrt(sum(gap * gap for gap in gaps) / len(gaps))
    assert [item.advantage for item in advantages] == pytest.approx([g / scale for g in gaps])
    assert state.mean == pytest.approx(sum(value for _, _, value in batch) / 7)


def test_a_lone_rollout_is_compared_with_the_moving_mean() -> None:
    baseline = build_baseline("leave_one_out")
    _, state = baseline.advance(BaselineState(), own_rollouts([0.2, 0.4]))
    (only,), _ = baseline.advance(state, rewards([("p", "r", 0.9)]))
    assert only.baseline == state.mean


@settings(max_examples=60, deadline=None)
@given(st.lists(numbers, min_size=2, max_size=8), numbers)
def test_leave_one_out_knows_nothing_of_the_rollout_itself(
    values: list[float], other: float
) -> None:
    baseline = build_baseline("leave_one_out")
    before, _ = baseline.advance(BaselineState(), own_rollouts(values))
    after, _ = baseline.advance(BaselineState(), own_rollouts([other, *values[1:]]))
    assert before[0].baseline == after[0].baseline


@pytest.mark.slow
@pytest.mark.parametrize("name", list(BASELINES))
@settings(max_examples=30, deadline=None)
@given(values=batches)
def test_advancing_is_a_pure_function(name: str, values: list[list[float]]) -> None:
    baseline = build_baseline(name)
    state = BaselineState()
    for batch in values:
        once = baseline.advance(state, own_rollouts(batch))
        again = build_baseline(name).advance(replace(state), own_rollouts(batch))
        assert once == again
        for item, value in zip(once[0], batch, strict=True):
            assert item.advantage == (value - item.baseline) / item.scale
        state = once[1]
    assert baseline.advance(state, []) == ((), state)


@pytest.mark.slow
def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"momentum must be in \[0, 1\), got 1.0"):
        BaselineSettings(momentum=1.0)
    with pytest.raises(ConfigurationError, match="floor must be > 0"):
        BaselineSettings(floor=0.0)
    with pytest.raises(ConfigurationError, match="'none' is not one of ema, leave_one_out"):
        build_baseline("none")
