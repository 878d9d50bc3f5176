"""Limits of the settings, and the arithmetic of waiting."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.errors import ConfigurationError
from lamas.llm import Budget, EmbeddedSettings, EndpointSettings, RetryPolicy
from lamas.llm.failures import retry_after_seconds

pytestmark = pytest.mark.real_backoff

SECONDS = st.floats(min_value=1e-3, max_value=1e3)
JITTER = st.floats(min_value=0, max_value=1, exclude_max=True)


@given(st.integers(1, 10_000), JITTER, SECONDS, SECONDS)
def test_delays_are_full_jitter_below_a_doubling_bound(
    failed: int, jitter: float, base: float, most: float
) -> None:
    policy = RetryPolicy(backoff_seconds=base, backoff_max_seconds=most)
    # The naive form overflows for large counts, by which time the bound is long reached.
    bound = min(most, base * 2 ** (failed - 1)) if failed < 60 else most
    delay = policy.delay_seconds(failed, jitter)
    assert delay == jitter * bound
    assert delay <= most
    assert policy.delay_seconds(failed, 0.0) == 0.0


@given(st.integers(1, 50), JITTER, SECONDS)
def test_a_wait_that_was_asked_for_is_a_lower_bound_and_not_much_exceeded(
    failed: int, jitter: float, asked: float
) -> None:
    policy = RetryPolicy()
    delay = policy.delay_seconds(failed, jitter, asked)
    assert asked <= delay <= asked + policy.backoff_seconds


@given(st.integers(0, 2_000_000_000), st.integers(-100_000, 100_000))
def test_dates_are_waits_from_now(now: int, ahead: int) -> None:
    date = format_datetime(datetime.fromtimestamp(now + ahead, UTC), usegmt=True)
    assert retry_after_seconds({"retry-after": date}, now=now) == max(0, ahead)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "9"}, 9.0),
    ],
)
def test_waits_that_servers_ask_for(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers, now=0.0) == seconds


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8000", "ftp://host/v1", "http://", "http://h:99999/v1", "https://h/v1?a=1"],
)
def test_addresses_that_cannot_work(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"llm\.base_url"):
        EndpointSettings(base_url=url, model="m")


def test_an_address_with_a_password_is_refused_without_repeating_it() -> None:
    with pytest.raises(ConfigurationError, match="api_key_env") as caught:
        EndpointSettings(base_url="https://me:hunter2@host/v1", model="m")
    assert "hunter2" not in str(caught.value)


def test_values_out_of_range_are_named() -> None:
    url = "http://127.0.0.1:1/v1"
    with pytest.raises(ConfigurationError, match=r"llm\.model"):
        EndpointSettings(base_url=url, model=" ")
    with pytest.raises(ConfigurationError, match=r"llm\.concurrency=0"):
        EndpointSettings(base_url=url, model="m", concurrency=0)
    with pytest.raises(ConfigurationError, match=r"llm\.connect_timeout_seconds=0"):
        EndpointSettings(base_url=url, model="m", connect_timeout_seconds=0)
    with pytest.raises(ConfigurationError, match=r"llm\.total_timeout_seconds=nan"):
        EndpointSettings(base_url=url, model="m", total_timeout_seconds=float("nan"))
    with pytest.raises(ConfigurationError, match=r"llm\.retry\.attempts=0"):
        RetryPolicy(attempts=0)
    with pytest.raises(ConfigurationError, match=r"llm\.retry\.backoff_seconds=-1"):
        RetryPolicy(backoff_seconds=-1)
    with pytest.raises(ConfigurationError, match=r"llm\.max_usd=-1"):
        Budget(max_usd=-1)
    with pytest.raises(ConfigurationError, match=r"llm\.embedded\.slots=0"):
        EmbeddedSettings(slots=0)
    with pytest.raises(ConfigurationError, match=r"llm\.embedded\.context_per_slot=10"):
        EmbeddedSettings(context_per_slot=10)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1:8", True), ("localhost", True), ("[::1]:8", True), ("127.example.com", False)],
)
def test_which_addresses_are_this_machine(host: str, loopback: bool) -> None:
    assert EndpointSettings(base_url=f"http://{host}/v1", model="m").is_loopback is loopback
