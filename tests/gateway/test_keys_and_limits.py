"""Who may ask a gateway, and how much of it."""

import asyncio
import math

import pytest

from lamas.errors import ConfigurationError
from lamas.gateway.keys import Client, Keys, keys_of
from lamas.gateway.limits import DAY_SECONDS, Allowances, Places
from lamas.gateway.refusal import RefusedError

ANYBODY = Client(name="local")
FILE = """
# who may ask
alice  alices-token-0123456  requests_per_minute=2 usd_per_day=0.5
bob    bobs-token-01234567   # no limits
"""


def test_a_token_is_its_clients_and_no_other_is_anybodys() -> None:
    keys = Keys(keys_of(FILE, "keys", default=ANYBODY))
    alice = keys.client("Bearer alices-token-0123456")
    assert (alice.name, alice.requests_per_minute, alice.usd_per_day) == ("alice", 2.0, 0.5)
    assert keys.client("bearer bobs-token-01234567").requests_per_minute == math.inf
    for header in (None, "", "Bearer", "Bearer bobs-token-0123456", "Basic bobs-token-01234567"):
        with pytest.raises(RefusedError) as refused:
            keys.client(header)
        assert refused.value.status == 401
        assert refused.value.headers()["www-authenticate"] == "Bearer"


def test_without_keys_everybody_is_local() -> None:
    assert Keys(()).client("Bearer whatever").name == "local"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("alice", "NAME and TOKEN"),
        ("alice short", "16 to 512"),
        ("alice token-0123456789abc sudo=1", "'sudo' is no limit"),
        ("alice token-0123456789abc usd_per_day=-1", "must be a number > 0"),
        ("a token-0123456789abc\na token-0123456789abd", "twice"),
    ],
)
def test_a_line_that_is_no_key_is_a_sentence_without_the_token(line: str, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault) as refused:
        keys_of(line, "keys", default=ANYBODY)
    assert "token-0123456789abc" not in str(refused.value)


def test_a_minutes_requests_come_back_evenly() -> None:
    allowances, client = Allowances(), Client(name="a", requests_per_minute=2.0)
    allowances.take(client, 100.0)
    allowances.take(client, 100.0)
    with pytest.raises(RefusedError) as refused:
        allowances.take(client, 115.0)
    assert refused.value.retry_after_seconds == pytest.approx(15.0)
    assert refused.value.headers()["retry-after"] == "15"
    allowances.take(client, 130.0)
    allowances.take(Client(name="b", requests_per_minute=2.0), 130.0)


def test_a_days_money_comes_back_with_the_next_day() -> None:
    client = Client(name="a", usd_per_day=1.0)
    allowances = Allowances({"a": 0.7})
    allowances.take(client, 10.0)
    allowances.spend(client, 0.4, 20.0)
    with pytest.raises(RefusedError) as refused:
        allowances.take(client, DAY_SECONDS - 100.0)
    assert (refused.value.status, refused.value.code) == (429, "insufficient_quota")
    assert refused.value.retry_after_seconds == pytest.approx(100.0)
    allowances.take(client, DAY_SECONDS + 1.0)


async def test_what_waits_is_bounded_and_places_are_given_back() -> None:
    places, gate = Places(1, 1), asyncio.Event()

    async def work() -> None:
        async with places.place(lambda: 0.0):
            await gate.wait()

    first, second = asyncio.create_task(work()), asyncio.create_task(work())
    for _ in range(3):
        await asyncio.sleep(0)
    assert (places.running, places.waiting) == (1, 1)
    with pytest.raises(RefusedError) as refused:
        await work()
    assert refused.value.status == 429
    assert int(refused.value.headers()["retry-after"]) >= 1
    second.cancel()
    await asyncio.wait({second})
    assert (places.running, places.waiting) == (1, 0)
    gate.set()
    await first
    await work()
    assert (places.running, places.waiting) == (0, 0)
