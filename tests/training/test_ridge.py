"""The start of a fit: against solving the ridge, and against leaving each problem out."""

import numpy as np
import pytest

from lamas.execution.graph_values import Floats
from lamas.training.ridge import PrincipalAxes, best_strength, chosen_rows


def data(problems: int = 40, size: int = 6) -> tuple[Floats, Floats, Floats]:
    random = np.random.default_rng(3)
    x = random.normal(size=(problems, size))
    score = (x[:, :1] * [1.0, -1.0, 0.2] + random.normal(size=(problems, 3)) > 0).astype(float)
    return x, score, random.uniform(1.0, 2.0, size=(problems, 3))


def test_one_product_is_the_ridge_regression() -> None:
    x, score, _ = data()
    strength = 0.05
    found = PrincipalAxes.of(x, 6).under(strength)
    weights = found.basis @ (found.features(x).T @ (score - score.mean(axis=0)) / len(x))
    centred = x - x.mean(axis=0)
    covariance = centred.T @ centred / len(x)
    ridge = covariance + strength * float(covariance.diagonal().sum()) * np.eye(6)
    wanted = centred.T @ (score - score.mean(axis=0)) / len(x)
    assert (ridge @ weights).ravel().tolist() == pytest.approx(wanted.ravel().tolist())


def test_fewer_directions_keep_those_of_most_variance() -> None:
    x, _, _ = data()
    x[:, 4] *= 10.0
    basis = PrincipalAxes.of(x, 1).under(0.01).basis[:, 0]
    assert int(np.abs(basis).argmax()) == 4
    assert basis[4] > 0.0


@pytest.mark.slow
def test_the_strength_is_the_one_that_chooses_best_for_problems_left_out() -> None:
    x, score, time = data()
    multipliers = np.array([0.05, 0.5])
    units = (0.4, 0.3)

    def naive(strength: float) -> float:
        value = 0.0
        for problem in range(len(x)):
            # The mean and the directions are those of all problems, as in the fast version.
            features = PrincipalAxes.of(x, 6).under(strength).features(x)
            rest = np.delete(np.arange(len(x)), problem)
            for multiplier in multipliers:
                predicted: list[Floats] = []
                for target in (score, time):
                    y = target - target.mean(axis=0)
                    # Ridge without the problem, in coordinates where with it the inverse is 1.
                    inverse = np.linalg.inv(
                        np.eye(6) - np.outer(features[problem], features[problem]) / len(x)
                    )
                    weights = inverse @ features[rest].T @ y[rest] / len(x)
                    predicted.append(features[problem] @ weights + target.mean(axis=0))
                chosen = int((predicted[0] - multiplier * predicted[1]).argmax())
                gained = score[problem, chosen] - multiplier * time[problem, chosen]
                value += gained / (units[0] + multiplier * units[1])
        return value

    strengths = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)
    expected = strengths[int(np.argmax([naive(strength) for strength in strengths]))]
    found = best_strength(x, 6, score, time, multipliers=multipliers, units=units)
    assert found == expected


@pytest.mark.slow
def test_a_step_uses_all_problems_when_they_fit() -> None:
    random = np.random.default_rng(0)
    assert chosen_rows(random, 5, 8).tolist() == [0, 1, 2, 3, 4]
    assert len(set(chosen_rows(random, 50, 8).tolist())) == 8
