"""Shares, agreement, picks and seconds, each against what it was drawn from."""

import itertools

import numpy as np
import pytest

from lamas.calibration.observations import CallSeconds, Selection, WrongAnswer
from lamas.calibration.shares_and_times import (
    MOST_DISTINCT,
    agreement,
    fit_agreement,
    fit_pace,
    fit_selection,
    lognormal,
    share,
)
from lamas.llm.simulated.randomness import sigmoid


def test_a_share_of_nothing_is_the_starting_one_and_of_much_its_own() -> None:
    assert share(0, 0, 0.3) == 0.3
    assert share(900, 1000, 0.3) == pytest.approx(0.9, abs=0.005)
    assert 0.0 < share(0, 20, 0.05) < 0.05


def test_agreement_is_the_chance_of_equal_pairs() -> None:
    shares = [0.6**rank for rank in range(4)]
    pairs = itertools.product(enumerate(shares), repeat=2)
    equal = sum(p * q for (i, p), (j, q) in pairs if i == j) / sum(shares) ** 2
    assert agreement(np.array([0.6]), 4)[0] == pytest.approx(equal)


def wrong_answers(weights: list[float], problems: int = 800) -> list[WrongAnswer]:
    generator = np.random.default_rng(1)
    chances = np.array(weights) / sum(weights)
    return [
        WrongAnswer(problem_id=f"p/{index}", answer=str(generator.choice(len(chances), p=chances)))
        for index in range(problems)
        for _ in range(2 + index % 3)
    ]


@pytest.mark.parametrize("truth", [0.2, 0.7])
def test_concentration_is_found_again(truth: float) -> None:
    found = fit_agreement(wrong_answers([truth**rank for rank in range(4)]), 4, 0.3)
    assert found is not None
    assert found.distinct == 4
    assert found.concentration == pytest.approx(truth, abs=0.08)


def test_answers_that_scatter_widely_need_more_distinct_ones() -> None:
    found = fit_agreement(wrong_answers([1.0] * 12), 4, 0.3)
    assert found is not None
    assert found.distinct == MOST_DISTINCT
    shared = agreement(np.array([found.concentration]), found.distinct)[0]
    assert shared == pytest.approx(1 / 12, abs=0.02)


def test_single_wrong_answers_say_nothing_of_agreement() -> None:
    single = [WrongAnswer(problem_id=f"p/{index}", answer="1") for index in range(50)]
    assert fit_agreement(single, 4, 0.3) is None


def test_a_pick_s_bias_and_steepness_are_found_again() -> None:
    generator = np.random.default_rng(2)
    margins = generator.choice([-0.6, -0.2, 0.0, 0.2, 0.6], size=1500)
    picks = [
        Selection(
            operator="Pick",
            margin=float(margin),
            right=bool(generator.random() < sigmoid(0.8 + 2.5 * margin)),
        )
        for margin in margins
    ]
    found = fit_selection(picks, 0.0, 6.0)
    assert found == pytest.approx((0.8, 2.5), abs=0.4)
    assert fit_selection(picks[:19], 0.0, 6.0) is None


def calls(*, streamed: bool, count: int = 400) -> list[CallSeconds]:
    generator = np.random.default_rng(3)
    made: list[CallSeconds] = []
    for _ in range(count):
        tokens = int(generator.integers(50, 800))
        first = 0.5 * float(np.exp(0.2 * generator.normal()))
        per_token = 0.02 * float(np.exp(0.1 * generator.normal()))
        made.append(
            CallSeconds(
                tokens=tokens,
                seconds=first + tokens * per_token,
                first_token_seconds=first if streamed else None,
            )
        )
    return made


def test_streamed_answers_tell_pace_and_its_spread() -> None:
    pace = fit_pace(calls(streamed=True))
    assert pace.first is not None
    assert pace.per_token is not None
    assert (pace.first.median, pace.first.sigma) == pytest.approx((0.5, 0.2), rel=0.1)
    assert (pace.per_token.median, pace.per_token.sigma) == pytest.approx((0.02, 0.1), rel=0.1)


def test_whole_answers_tell_the_medians() -> None:
    pace = fit_pace(calls(streamed=False))
    assert pace.first is not None
    assert pace.per_token is not None
    assert pace.first.median == pytest.approx(0.5, rel=0.3)
    assert np.isnan(pace.first.sigma)
    assert pace.per_token.median == pytest.approx(0.02, rel=0.03)


def test_answers_of_one_length_do_not_tell_two_medians_apart() -> None:
    same = [CallSeconds(tokens=100, seconds=2.5, first_token_seconds=None)] * 50
    pace = fit_pace(same)
    assert pace.first is None
    assert pace.per_token is None
    assert fit_pace([]).first is None


def test_a_lognormal_is_found_again_and_needs_twenty_values() -> None:
    values = np.exp(np.log(0.1) + 0.4 * np.random.default_rng(4).normal(size=2000)).tolist()
    found = lognormal(values)
    assert found is not None
    assert (found.median, found.sigma) == pytest.approx((0.1, 0.4), rel=0.05)
    assert lognormal(values[:19]) is None
