"""What people ask against what was trained on: found where it differs, silent where it does not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from lamas.evaluation.live_mix import live_mix_departure


def questions(count: int, *, seed: int, about: int = 0) -> NDArray[np.float32]:
    """Unit vectors [count, 384] around one of two directions."""
    generator = np.random.default_rng(seed)
    points = generator.standard_normal((count, 384)) / 20.0
    points[:, about] += 1.0
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def test_another_subject_is_found() -> None:
    trained = questions(40, seed=1)
    mixed = np.concatenate([questions(20, seed=2), questions(20, seed=3, about=1)])
    found = live_mix_departure(mixed, trained, least=0.1, seed=0)
    assert found is not None
    assert found.metric == "live_mix"
    means = mixed.mean(axis=0, dtype=np.float64) - trained.mean(axis=0, dtype=np.float64)
    assert abs(found.value - np.linalg.norm(means)) < 1e-6
    assert found.high < found.value
    assert "the last 40 questions" in found.sentence()
    assert found == live_mix_departure(mixed, trained, least=0.1, seed=0)
    assert live_mix_departure(mixed, trained, least=1.5, seed=0) is None


@pytest.mark.slow
def test_chance_is_rarely_taken_for_a_change() -> None:
    found = [
        live_mix_departure(
            questions(40, seed=100 + seed), questions(30, seed=200 + seed), least=0.0, seed=seed
        )
        for seed in range(100)
    ]
    # One in a hundred on average; more than six would have a chance of one in 10,000.
    assert sum(item is not None for item in found) <= 6


def test_too_little_is_no_mix() -> None:
    trained = questions(40, seed=1)
    assert live_mix_departure(questions(19, seed=2, about=1), trained, least=0.0, seed=0) is None
    assert live_mix_departure(questions(30, seed=2), trained[:0], least=0.0, seed=0) is None
