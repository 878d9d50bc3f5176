"""Agreement of predicted with measured seconds, against scipy; the split by rollout."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lamas.errors import DomainError
from lamas.evaluation.latency import agreement, pearson, proxy_line, spearman, split_rollouts

PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=30).filter(
    lambda pairs: len({a for a, _ in pairs}) > 1 and len({b for _, b in pairs}) > 1
)


@pytest.mark.slow
@given(PAIRS)
def test_correlations_are_those_of_scipy(pairs: list[tuple[int, int]]) -> None:
    left, right = [a for a, _ in pairs], [b for _, b in pairs]
    assert pearson(left, right) == pytest.approx(stats.pearsonr(left, right)[0], abs=1e-9)
    assert spearman(left, right) == pytest.approx(stats.spearmanr(left, right)[0], abs=1e-9)


def test_known_agreement() -> None:
    found = agreement([1.0, 2.0, 3.0], [1.0, 4.0, 4.0])
    assert found.n == 3
    # Errors of 0, 50 and 25 per cent.
    assert found.median_absolute_percentage_error == 25.0
    assert found.r_squared == pytest.approx(1.0 - 5.0 / 6.0)
    assert found.spearman == pytest.approx(0.8660254)


def test_what_does_not_vary_correlates_with_nothing() -> None:
    flat = agreement([1.0, 2.0], [3.0, 3.0])
    assert (flat.r_squared, flat.pearson, flat.spearman) == (None, None, None)
    none = agreement([], [])
    assert (none.n, none.median_absolute_percentage_error) == (0, None)


def test_what_varies_by_rounding_alone_does_not_vary() -> None:
    predicted, measured = [0.3, 0.1 + 0.2, 0.3], [0.002, 0.001, 0.004]
    assert len(set(predicted)) == 2
    found = agreement(predicted, measured)
    assert (found.pearson, found.spearman) == (None, None)
    assert agreement(measured, predicted).r_squared is None


def test_the_line_through_cp_len() -> None:
    assert proxy_line([100.0, 200.0, 300.0], [2.0, 3.0, 4.0]) == pytest.approx((1.0, 0.01))
    assert proxy_line([100.0, 100.0], [2.0, 4.0]) == (3.0, 0.0)


@pytest.mark.slow
def test_the_split_is_a_function_of_ids_and_seed() -> None:
    ids = [f"r{number}" for number in range(100)]
    fitted, held_out = split_rollouts(ids, fraction=0.2, seed=7)
    assert (len(fitted), len(held_out)) == (80, 20)
    assert sorted((*fitted, *held_out)) == sorted(ids)
    assert split_rollouts(ids[::-1] * 2, fraction=0.2, seed=7) == (fitted, held_out)
    assert split_rollouts(ids, fraction=0.2, seed=8) != (fitted, held_out)
    assert [len(part) for part in split_rollouts(ids[:2], fraction=0.01, seed=0)] == [1, 1]
    with pytest.raises(DomainError, match="1 measured rollouts"):
        split_rollouts(["a", "a"], fraction=0.2, seed=0)
