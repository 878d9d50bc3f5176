"""What tokens cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.errors import ConfigurationError
from lamas.llm import Price, PriceList

TOKENS = st.integers(0, 10_000_000)


def test_the_published_price_of_gpt_4o_mini() -> None:
    price = PriceList.published().price("gpt-4o-mini")
    assert (price.input, price.output) == (0.15, 0.60)
    assert price.cost_usd(1_000_000, 1_000_000) == 0.75
    assert price.cost_usd(0, 0) == 0.0


def test_a_dated_snapshot_costs_what_its_model_costs() -> None:
    prices = PriceList.published()
    assert prices.price("gpt-4o-mini-2024-07-18") == prices.price("gpt-4o-mini")


def test_an_unknown_model_is_no_free_model() -> None:
    with pytest.raises(ConfigurationError, match=r"'gpt-9'.*llm\.price\.input.*gpt-4o-mini"):
        PriceList.published().price("gpt-9")


def test_a_list_of_ones_own() -> None:
    mine = PriceList({"local": Price(input=0, output=0)})
    assert mine.price("local").cost_usd(10, 10) == 0.0


@pytest.mark.parametrize("value", [-0.01, 0.16, float("nan")])
def test_cached_input_costs_at_most_what_other_input_does(value: float) -> None:
    with pytest.raises(ConfigurationError, match=r"llm\.price\.cached_input"):
        Price(input=0.15, output=0.6, cached_input=value)


def test_published_prices_of_cached_input() -> None:
    assert PriceList.published().price("gpt-4o-mini").cached_input == 0.075
    assert all(price.cached_input for price in PriceList.published().prices.values())


@given(TOKENS, TOKENS, st.integers(0, 100))
def test_cached_input_is_never_dearer_and_nothing_cached_changes_nothing(
    fresh: int, output: int, cached: int
) -> None:
    price, plain = Price(input=0.15, output=0.6, cached_input=0.075), Price(input=0.15, output=0.6)
    assert price.cost_usd(fresh, output, 0) == plain.cost_usd(fresh, output)
    whole = price.cost_usd(fresh + cached, output, cached)
    assert whole == pytest.approx((fresh * 0.15 + cached * 0.075 + output * 0.6) / 1e6)
    assert whole <= plain.cost_usd(fresh + cached, output, cached)


@pytest.mark.parametrize("value", [-0.01, float("nan"), float("inf")])
def test_impossible_prices(value: float) -> None:
    with pytest.raises(ConfigurationError, match=r"llm\.price\.output"):
        Price(input=0, output=value)


@pytest.mark.slow
@given(TOKENS, TOKENS, TOKENS, TOKENS)
def test_cost_is_what_both_kinds_cost_and_grows_with_them(a: int, b: int, c: int, d: int) -> None:
    price = Price(input=0.15, output=0.6)
    assert price.cost_usd(a, b) == (a * 0.15 + b * 0.6) / 1_000_000
    assert price.cost_usd(a + c, b + d) >= price.cost_usd(a, b)
    together = price.cost_usd(a + c, b + d)
    assert together == pytest.approx(price.cost_usd(a, b) + price.cost_usd(c, d), abs=1e-9)
