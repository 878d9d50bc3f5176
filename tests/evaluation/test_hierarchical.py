"""The hierarchical bootstrap: naive references, variances known in closed form, properties."""

import math
from collections.abc import Callable
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lamas.errors import DomainError
from lamas.evaluation import hierarchical_bootstrap
from lamas.evaluation.hierarchical import Array, Effect, resampled_effects


def noise(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


def test_resamples_equal_drawing_one_by_one() -> None:
    a, b = np.exp(noise(3, 4)), np.exp(noise(3, 4, seed=1))
    a[1, 2] = np.nan
    naive: dict[Effect, Callable[[list[tuple[float, float]]], float]] = {
        "difference": lambda cells: sum(x - y for x, y in cells) / len(cells),
        "log_ratio": lambda cells: math.log(sum(x for x, _ in cells) / sum(y for _, y in cells)),
    }
    of_seeds = np.random.Generator(np.random.Philox(key=[7, 1])).integers(0, 3, size=(40, 3))
    of_problems = np.random.Generator(np.random.Philox(key=[7, 2])).integers(0, 4, size=(40, 4))

    def cells(rows: list[int], columns: list[int]) -> list[tuple[float, float]]:
        return [(a[s, p], b[s, p]) for s in rows for p in columns if not math.isnan(a[s, p])]

    for effect, of in naive.items():
        found = resampled_effects(a, b, effect=effect, seed=7, resamples=40)
        every = (list(range(3)), list(range(4)))
        draws = list(zip(of_seeds.tolist(), of_problems.tolist(), strict=True))
        assert found.value == pytest.approx(of(cells(*every)))
        assert found.seeds == pytest.approx([of(cells(s, every[1])) for s, _ in draws])
        assert found.problems == pytest.approx([of(cells(every[0], p)) for _, p in draws])
        assert found.both == pytest.approx([of(cells(s, p)) for s, p in draws])


def test_the_size_of_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = noise(12, 5), noise(12, 5, seed=1)
    whole = resampled_effects(a, b, effect="difference", seed=1, resamples=50)
    monkeypatch.setattr("lamas.evaluation.intervals._CELLS", 36)
    split = resampled_effects(a, b, effect="difference", seed=1, resamples=50)
    assert split.both == pytest.approx(whole.both)
    assert split.problems == pytest.approx(whole.problems)


@pytest.mark.parametrize(("problems", "t_of_problems"), [(300, 1.968), (6, 2.571)])
def test_crossed_error_equals_the_analysis_of_variance(problems: int, t_of_problems: float) -> None:
    """Mean squares of a two-way layout, which the bootstrap has to find without being told."""
    seeds = 5
    y = 0.2 * noise(seeds, 1) + noise(1, problems, seed=1) + 2.0 * noise(seeds, problems, seed=2)
    rows, columns = y.mean(axis=1), y.mean(axis=0)
    of_seeds = problems * float(rows.var(ddof=1))
    of_problems = seeds * float(columns.var(ddof=1))
    rest = y - rows[:, None] - columns + y.mean()
    within = float((rest**2).sum()) / ((seeds - 1) * (problems - 1))
    expected = math.sqrt((of_seeds + max(of_problems - within, 0.0)) / y.size)
    found = hierarchical_bootstrap(
        y, np.zeros_like(y), effect="difference", seed=0, resamples=40_000
    )
    assert found.value == pytest.approx(float(y.mean()))
    assert found.standard_error == pytest.approx(expected, rel=0.02)
    # The critical value is the weighted mean of t(4) = 2.776 and t(299) = 1.968 or t(5) = 2.571.
    share = of_seeds / (of_seeds + max(of_problems - within, 0.0))
    assert found.high is not None
    assert found.high - found.value == pytest.approx(
        expected * (2.776 * share + t_of_problems * (1 - share)), rel=0.03
    )


def test_nested_error_is_that_of_the_seeds_means() -> None:
    seeds, each = 5, 60
    a = np.full((seeds, seeds * each), np.nan)
    for row in range(seeds):
        a[row, row * each : (row + 1) * each] = noise(each, seed=row) + 0.4 * row
    means = np.nanmean(a, axis=1)
    found = hierarchical_bootstrap(
        a, np.zeros_like(a), effect="difference", seed=0, resamples=10_000
    )
    # The textbook's t interval of five values: t(4) = 2.776 standard errors each way.
    reach = 2.776 * float(means.std(ddof=1)) / math.sqrt(5)
    assert found.value == pytest.approx(float(means.mean()))
    assert found.high is not None
    assert found.high - found.value == pytest.approx(reach, rel=0.03)
    assert found.degrees == pytest.approx(4, abs=0.1)


def test_one_seed_gives_the_paired_t_test_over_problems() -> None:
    a, b = noise(1, 40), noise(1, 40, seed=1) + 0.5
    found = hierarchical_bootstrap(a, b, effect="difference", seed=0, resamples=50_000)
    gaps = (a - b)[0]
    error = float(gaps.std(ddof=1)) / math.sqrt(40)
    # SciPy does not declare what it returns.
    reference = cast("float", stats.ttest_rel(a[0], b[0]).pvalue)
    assert found.degrees == 39
    assert found.p_value == pytest.approx(reference, rel=0.05)
    # t(39) = 2.0227
    ends = float(gaps.mean()) - 2.0227 * error, float(gaps.mean()) + 2.0227 * error
    assert (found.low, found.high) == pytest.approx(ends, rel=0.02)
    assert "over 40 problems, t interval" in found.method


def test_a_repeated_row_adds_no_certainty() -> None:
    """A policy without training seeds is known no better for being listed under five."""
    a, b = noise(1, 50), noise(1, 50, seed=1)
    once = hierarchical_bootstrap(a, b, effect="difference", seed=0, resamples=20_000)
    five = hierarchical_bootstrap(
        np.repeat(a, 5, axis=0),
        np.repeat(b, 5, axis=0),
        effect="difference",
        seed=0,
        resamples=20_000,
    )
    assert five.standard_error == pytest.approx(once.standard_error, rel=1e-6)
    assert (five.low, five.high) == pytest.approx((once.low, once.high), rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 5),
    st.integers(2, 8),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["difference", "log_ratio"]),
    st.floats(0.5, 4.0),
)
def test_signs_scales_and_units(
    seeds: int, problems: int, seed: int, effect: Effect, scale: float
) -> None:
    a, b = np.exp(noise(seeds, problems, seed=seed)), np.exp(noise(seeds, problems, seed=seed + 1))
    found = hierarchical_bootstrap(a, b, effect=effect, seed=seed, resamples=100)
    again = hierarchical_bootstrap(a, b, effect=effect, seed=seed, resamples=100)
    assert found == again
    assert found.low is not None
    assert found.high is not None
    assert found.p_value is not None
    assert found.low < found.value < found.high
    # Interval and p-value tell the same.
    assert (found.p_value < 0.05) == (found.low > 0 or found.high < 0)
    turned = hierarchical_bootstrap(b, a, effect=effect, seed=seed, resamples=100)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))
    scaled = hierarchical_bootstrap(scale * a, scale * b, effect=effect, seed=seed, resamples=100)
    factor = scale if effect == "difference" else 1.0
    assert scaled.low == pytest.approx(factor * found.low)
    assert scaled.high == pytest.approx(factor * found.high)


def test_without_variation_there_is_no_interval() -> None:
    a = noise(5, 20)
    same = hierarchical_bootstrap(a, a - 0.25, effect="difference", seed=0)
    assert same.value == pytest.approx(0.25)
    assert (same.low, same.high, same.p_value, same.standard_error) == (None,) * 4
    assert same.method == "no interval: the pairs do not vary"
    single = np.array([[2.0]])
    one = hierarchical_bootstrap(single, np.array([[1.0]]), effect="log_ratio", seed=0)
    assert (one.value, one.method) == (math.log(2.0), "no interval: one pair")


@pytest.mark.slow
def test_what_cannot_be_compared_is_said_clearly() -> None:
    with pytest.raises(DomainError, match="must be \\[seeds, problems\\]"):
        hierarchical_bootstrap(noise(2, 3), noise(3, 2), effect="difference", seed=0)
    apart = np.array([[1.0, np.nan]]), np.array([[np.nan, 1.0]])
    with pytest.raises(DomainError, match="no finished"):
        hierarchical_bootstrap(*apart, effect="difference", seed=0)
    with pytest.raises(DomainError, match=r"no log-ratio of the means 0\.0 and 1\.0"):
        hierarchical_bootstrap(np.zeros((2, 2)), np.ones((2, 2)), effect="log_ratio", seed=0)
