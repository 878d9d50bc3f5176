"""Verdicts, tests and sample sizes against published values and naive references."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamas.errors import DomainError
from lamas.evaluation import (
    PairedEstimate,
    benjamini_hochberg,
    clopper_pearson,
    hierarchical_bootstrap,
    mcnemar,
    non_inferiority,
    problems_for_binary,
    problems_for_continuous,
    proportion,
)


def estimate(value: float, spread: float = 1.0) -> PairedEstimate:
    """A difference with a standard error of 0.01 · spread over 400 problems."""
    generator = np.random.default_rng(0)
    gaps = generator.normal(size=(1, 400))
    gaps = (gaps - gaps.mean()) / gaps.std() * 0.2 * spread + value
    return hierarchical_bootstrap(gaps, np.zeros_like(gaps), effect="difference", seed=0)


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (0.05, "superior"),
        (0.0, "non-inferior"),
        (-0.005, "non-inferior"),
        (-0.02, "inconclusive"),
        (-0.03, "inconclusive"),
        (-0.08, "inferior"),
    ],
)
def test_verdicts_by_the_interval(value: float, verdict: str) -> None:
    found = non_inferiority(estimate(value), margin=0.03)
    assert found.verdict == verdict
    assert found.p_value is not None
    assert (found.p_value < 0.025) == (verdict in {"superior", "non-inferior"})


def test_the_p_value_at_the_margin_is_one_half() -> None:
    assert non_inferiority(estimate(-0.03), margin=0.03).p_value == pytest.approx(0.5)


def test_no_interval_and_no_margin_give_no_verdict() -> None:
    same = np.ones((5, 20))
    found = non_inferiority(
        hierarchical_bootstrap(same, same, effect="difference", seed=0), margin=0.03
    )
    assert (found.verdict, found.p_value) == ("inconclusive", None)
    with pytest.raises(DomainError, match=r"margin is 0\.0"):
        non_inferiority(estimate(0.0), margin=0.0)


def test_mcnemar_of_the_published_example() -> None:
    """Airway hyper-responsiveness, 1 and 7 discordant: Fagerland et al. 2013, table 1."""
    found = mcnemar(1, 7)
    assert found.exact == pytest.approx(0.0703, abs=5e-5)
    assert found.mid == pytest.approx(0.0391, abs=5e-5)
    # Of equal counts, by the same authors: 1 − ½ · C(10, 5) / 2¹⁰.
    assert mcnemar(5, 5).mid == pytest.approx(1 - 0.5 * 252 / 1024)
    assert (mcnemar(0, 0).exact, mcnemar(0, 0).mid) == (1.0, 1.0)
    with pytest.raises(DomainError, match="negative"):
        mcnemar(-1, 2)


@given(st.integers(0, 30), st.integers(0, 30))
def test_mcnemar_sums_the_outcomes_no_likelier_than_the_seen(only_a: int, only_b: int) -> None:
    n = only_a + only_b
    ways = [math.comb(n, k) for k in range(n + 1)]
    rarer = sum(w for w in ways if w < ways[only_a])
    alike = sum(w for w in ways if w == ways[only_a])
    found = mcnemar(only_a, only_b)
    assert found.exact == pytest.approx((rarer + alike) / 2**n)
    if n > 0:
        assert found.mid == pytest.approx((rarer + alike / 2) / 2**n)
    assert found.mid <= found.exact == mcnemar(only_b, only_a).exact


def test_benjamini_and_hochbergs_own_example() -> None:
    """The 15 p-values of their paper (1995, section 3.3): at 5 % the first four are rejected."""
    values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240]
    values += [0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    adjusted = benjamini_hochberg({f"h{at}": p for at, p in enumerate(values)})
    assert list(adjusted) == [f"h{at}" for at in range(15)]
    assert [name for name, p in adjusted.items() if p <= 0.05] == ["h0", "h1", "h2", "h3"]
    assert adjusted["h3"] == pytest.approx(0.0095 * 15 / 4)
    assert benjamini_hochberg({}) == {}
    with pytest.raises(DomainError, match=r"gsm8k: 1\.5"):
        benjamini_hochberg({"gsm8k": 1.5})


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.001, 0.5))
def test_adjusted_p_values_reject_what_stepping_up_does(values: list[float], level: float) -> None:
    adjusted = benjamini_hochberg({str(at): p for at, p in enumerate(values)})
    ordered = sorted(values)
    steps = [p * len(values) / (at + 1) for at, p in enumerate(ordered)]
    naive = {p: min(1.0, *steps[at:], 1.0) for at, p in reversed(list(enumerate(ordered)))}
    for at, p in enumerate(values):
        assert adjusted[str(at)] == pytest.approx(naive[p])
        assert adjusted[str(at)] >= p or math.isclose(adjusted[str(at)], p)


def test_exact_intervals_in_closed_form() -> None:
    # No success in n: 1 − 0.025^(1/n); one success of one: from 0.025.
    assert clopper_pearson(0, 10).low == 0.0
    assert clopper_pearson(0, 10).high == pytest.approx(1 - 0.025**0.1)
    assert clopper_pearson(1, 1).low == pytest.approx(0.025)
    assert clopper_pearson(1, 1).high == 1.0
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 5: 15 of 148.
    published = clopper_pearson(15, 148)
    assert (published.low, published.high) == pytest.approx((0.0578, 0.1617), abs=5e-5)
    with pytest.raises(DomainError, match="no share of 3 successes in 2 trials"):
        clopper_pearson(3, 2)


@settings(max_examples=50)
@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_exact_ends_leave_a_fortieth_in_each_tail(trial: tuple[int, int]) -> None:
    successes, n = trial
    found = clopper_pearson(successes, n)

    def at_most(share: float, limit: int) -> float:
        return sum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(limit + 1))

    if successes < n:
        assert at_most(found.high, successes) == pytest.approx(0.025)
    if successes > 0:
        assert 1 - at_most(found.low, successes - 1) == pytest.approx(0.025)
    assert found.low <= successes / n <= found.high
    expected = "clopper-pearson" if n < 40 else "wilson"
    assert proportion(successes, n).method == expected


@pytest.mark.parametrize(
    ("effect", "power", "n"),
    # G*Power, one-sample t test with 5 % two-sided: d 0.5, 0.5, 0.2, 0.8.
    [(0.5, 0.9, 44), (0.5, 0.8, 34), (0.2, 0.8, 199), (0.8, 0.8, 15)],
)
def test_problems_for_a_mean_equal_published_sizes(effect: float, power: float, n: int) -> None:
    assert problems_for_continuous(margin=effect, standard_deviation=1.0, power=power) == n
    # A true difference moves the distance to the margin, and nothing else.
    moved = problems_for_continuous(
        margin=effect / 2, difference=effect / 2, standard_deviation=1.0, power=power
    )
    assert moved == n


def test_problems_for_right_and_wrong_by_hand() -> None:
    # (1.959964 + 1.281552)² · 0.2 / 0.05² = 840.6
    assert problems_for_binary(margin=0.05, discordant=0.2) == 841
    # (1.959964 + 0.841621)² · (0.3 − 0.02²) / 0.08² = 367.4
    assert problems_for_binary(margin=0.1, discordant=0.3, difference=-0.02, power=0.8) == 368


def test_the_sample_size_gives_the_power() -> None:
    n = problems_for_binary(margin=0.05, discordant=0.2)
    generator = np.random.default_rng(0)
    counts = generator.multinomial(n, [0.1, 0.1, 0.8], size=20_000)
    gap = (counts[:, 0] - counts[:, 1]) / n
    error = np.sqrt(((counts[:, 0] + counts[:, 1]) / n - gap**2) / n)
    assert float(np.mean(gap - 1.959964 * error > -0.05)) == pytest.approx(0.9, abs=0.01)


@pytest.mark.slow
def test_sizes_that_do_not_exist_are_refused() -> None:
    with pytest.raises(DomainError, match="not within the margin"):
        problems_for_binary(margin=0.02, discordant=0.2, difference=-0.02)
    with pytest.raises(DomainError, match="discordant"):
        problems_for_binary(margin=0.2, discordant=0.05, difference=0.1)
    with pytest.raises(DomainError, match="standard deviation is 0"):
        problems_for_continuous(margin=0.2, standard_deviation=0.0)
    with pytest.raises(DomainError, match=r"power 1\.0"):
        problems_for_continuous(margin=0.2, standard_deviation=1.0, power=1.0)
    with pytest.raises(DomainError, match="margin is 0"):
        problems_for_continuous(margin=0.0, standard_deviation=1.0)
