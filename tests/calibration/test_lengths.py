"""The fast likelihood of lengths is the slow one, and means and spreads are found again."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamas.calibration.lengths import (
    LengthParameters,
    Lengths,
    Measure,
    fit_correlation,
    fit_lengths,
)
from lamas.calibration.numerics import log_normal_density, log_sum
from lamas.calibration.observations import CallLength
from lamas.calibration.right_or_wrong import NODES

COT: Measure = ("CoT", "tokens")
PICK: Measure = ("Pick", "tokens")
SCALED: dict[Measure, bool] = {COT: True, PICK: False}


def call(problem: int, operator: str, tokens: int, cut: bool = False) -> CallLength:
    return CallLength(problem_id=f"p/{problem}", operator=operator, tokens=tokens, cut=cut)


def naive_log_likelihood(
    calls: list[CallLength], problem_ids: list[str], at: LengthParameters
) -> float:
    """By the definition: a sum over the problem's own length, call by call."""
    total = 0.0
    step = 0.02
    grid = [step * place for place in range(-450, 451)]
    for problem_id in problem_ids:
        likelihood = 0.0
        for v in grid:
            product = step * NormalDist().pdf(v)
            for item in calls:
                if item.problem_id != problem_id:
                    continue
                measure: Measure = (item.operator, item.part)
                centre = math.log(at.means[measure]) - at.sigmas[measure] ** 2 / 2
                if SCALED[measure]:
                    centre += at.problem_sigma * v - at.problem_sigma**2 / 2
                z = (math.log(item.tokens) - centre) / at.sigmas[measure]
                density = NormalDist().pdf(z) / at.sigmas[measure]
                product *= math.erfc(z / math.sqrt(2)) / 2 if item.cut else density
            likelihood += product
        total += math.log(likelihood)
    return total


@settings(max_examples=15)
@given(
    drawn=st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(["CoT", "Pick"]),
            st.integers(60, 400),
            st.booleans(),
        ),
        min_size=1,
        max_size=10,
    ),
    sigma=st.floats(0.25, 0.8),
    problem_sigma=st.floats(0.2, 0.6),
)
def test_the_likelihood_is_that_of_the_definition(
    drawn: list[tuple[int, str, int, bool]], sigma: float, problem_sigma: float
) -> None:
    calls = [call(*item) for item in drawn]
    names = ["p/0", "p/1", "p/2"]
    at = LengthParameters(
        means={COT: 150.0, PICK: 60.0},
        sigmas={COT: sigma, PICK: 0.4},
        problem_sigma=problem_sigma,
    )
    fast = Lengths(calls, names, SCALED).log_likelihood(at)
    assert fast == pytest.approx(naive_log_likelihood(calls, names, at), rel=1e-4, abs=2e-3)


START = LengthParameters(
    means={COT: 345.0, PICK: 40.0}, sigmas={COT: 0.2, PICK: 0.2}, problem_sigma=0.25
)


def sampled(
    limit: int, rho: float = 0.0, count: int = 300
) -> tuple[Lengths, "np.ndarray[tuple[int], np.dtype[np.float64]]"]:
    """Three long answers and a pick for each problem, cut at `limit`; and the difficulties."""
    generator = np.random.default_rng(5)
    difficulty = generator.normal(size=count)
    own = rho * difficulty + math.sqrt(1 - rho**2) * generator.normal(size=count)
    calls: list[CallLength] = []
    for index in range(count):
        for _ in range(3):
            logarithm = (
                math.log(200) - 0.35**2 / 2 + 0.5 * own[index] - 0.5**2 / 2
            ) + 0.35 * generator.normal()
            tokens = round(math.exp(logarithm))
            calls.append(call(index, "CoT", min(tokens, limit), tokens >= limit))
        pick = math.exp(math.log(12) - 0.1**2 / 2 + 0.1 * generator.normal())
        calls.append(call(index, "Pick", round(pick)))
    return Lengths(calls, [f"p/{index}" for index in range(count)], SCALED), difficulty


@pytest.mark.slow
@pytest.mark.parametrize("limit", [10_000, 200])
def test_lengths_are_found_again_also_when_many_were_cut(limit: int) -> None:
    lengths, _ = sampled(limit)
    assert (lengths.cuts[COT] > 300) == (limit == 200)
    best = fit_lengths(lengths, START).best
    assert best.means[COT] == pytest.approx(200, rel=0.1)
    assert best.sigmas[COT] == pytest.approx(0.35, rel=0.1)
    assert best.problem_sigma == pytest.approx(0.5, rel=0.15)
    assert best.means[PICK] == pytest.approx(12, rel=0.02)
    # A token is the smallest difference there is.
    assert best.sigmas[PICK] == pytest.approx(0.1, abs=0.015)


def test_the_spread_over_problems_stays_where_each_was_asked_once() -> None:
    calls = [call(index, "CoT", 100 + index) for index in range(60)]
    lengths = Lengths(calls, [f"p/{index}" for index in range(60)], {COT: True})
    fit = fit_lengths(lengths, START)
    assert fit.best.problem_sigma == START.problem_sigma
    assert "problem_sigma" not in fit.errors
    assert fit_correlation(lengths, fit.best, np.zeros((60, NODES.size)), 0.3) is None


@pytest.mark.slow
@pytest.mark.parametrize("rho", [-0.5, 0.7])
def test_the_correlation_with_difficulty_is_found_again(rho: float) -> None:
    """Even when each difficulty is only known with an error as large as half its spread."""
    lengths, difficulty = sampled(10_000, rho)
    heard = difficulty + 0.5 * np.random.default_rng(6).normal(size=difficulty.size)
    offsets = heard[:, None] - NODES[None, :]
    joint = log_normal_density(offsets, 0.5) + log_normal_density(NODES, 1.0)[None, :]
    posterior = joint - log_sum(joint, axis=1)[:, None]
    best = fit_lengths(lengths, START).best
    assert fit_correlation(lengths, best, posterior, 0.3) == pytest.approx(rho, abs=0.12)
