"""An endpoint that is gone for a while: waited for, once for all calls, and never paid for."""

import asyncio
import json
import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace

import httpx2
import pytest

from lamas.errors import ModelUnreachableError
from lamas.llm import (
    Budget,
    EndpointSettings,
    OpenAIChatModel,
    ResponseStore,
    RetryPolicy,
    attempts_of,
)
from tests.llm.asking import PRICE, QUICK, model, request
from tests.llm.scripted_endpoint import ScriptedEndpoint, fails, says
from tests.patience import patience
from tests.virtual_time import VirtualClock, run_in_virtual_time

pytestmark = pytest.mark.real_backoff

ANSWER = {
    "id": "c1",
    "model": "tiny",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "4"}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
}
DEFAULTS = RetryPolicy()


class Gone(httpx2.AsyncBaseTransport):
    """Refuses connections in the given spans of the loop's seconds; answers at once otherwise."""

    def __init__(self, *spans: tuple[float, float]) -> None:
        self.spans = spans
        self.tried: list[float] = []
        self.answered: list[str] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        now = asyncio.get_running_loop().time()
        self.tried.append(now)
        if any(begin <= now < end for begin, end in self.spans):
            raise httpx2.ConnectError("All connection attempts failed", request=request)
        body = json.loads(await request.aread())
        self.answered.append(str(body["messages"][-1]["content"]))
        return httpx2.Response(200, json=ANSWER, request=request)


@dataclass
class Ended:
    """How the calls of one scenario ended."""

    results: list[object]
    seconds: list[float]
    made_calls: int
    spent_usd: float


def ask(
    transport: Gone, starts: Sequence[float], *, retry: RetryPolicy = DEFAULTS, budget: Budget
) -> Ended:
    """One call at each of `starts`, in virtual seconds."""

    async def scenario() -> Ended:
        endpoint = EndpointSettings(base_url="http://nobody/v1", model="tiny", stream=False)
        loop = asyncio.get_running_loop()
        ends: list[float] = []
        async with OpenAIChatModel(
            endpoint,
            price=PRICE,
            retry=retry,
            budget=budget,
            clock=VirtualClock(),
            transport=transport,
        ) as llm:

            async def one(slot: int, start: float) -> object:
                await asyncio.sleep(start)
                try:
                    return await llm.complete(request(slot, text=f"question {slot}"))
                finally:
                    ends.append(loop.time())

            results = await asyncio.gather(
                *(one(slot, start) for slot, start in enumerate(starts)), return_exceptions=True
            )
            return Ended(results, ends, llm.ledger.made_calls, llm.ledger.spent_usd)

    return run_in_virtual_time(scenario())


def attempts(result: object) -> list[int]:
    assert not isinstance(result, BaseException), result
    return [call.attempt for call in getattr(result, "attempts", ())]


def test_an_endpoint_gone_for_a_minute_is_waited_for_and_nothing_is_paid_twice() -> None:
    transport = Gone((0.0, 60.0))
    ended = ask(transport, [0.0, 0.0, 1.0, 30.0, 59.0], budget=Budget(max_calls=5))
    # Each call was asked once, as in a world where nothing ever happened.
    assert [attempts(result) for result in ended.results] == [[1]] * 5
    assert sorted(transport.answered) == [f"question {slot}" for slot in range(5)]
    assert ended.made_calls == 5
    assert ended.spent_usd == pytest.approx(5 * PRICE.cost_usd(10, 5))
    # Back within one pause of the endpoint.
    assert 60.0 <= min(ended.seconds) <= max(ended.seconds) <= 66.0
    # Jittered pauses up to 5 s, not a storm.
    assert len(transport.tried) < 5 * 80


def test_an_endpoint_that_stays_away_ends_all_calls_together() -> None:
    """Not one wait after the other: what begins after the wait is over tries once."""
    ended = ask(Gone((0.0, 1e9)), [0.0, 50.0, 119.0, 200.0], budget=Budget())
    for result in ended.results:
        assert isinstance(result, ModelUnreachableError)
        assert "could not be reached for 120 s (llm.retry.outage_seconds)" in str(result)
        (last,) = attempts_of(result)
        assert (last.attempt, last.status, last.cost_usd) == (1, "error", 0.0)
    assert sorted(ended.seconds) == pytest.approx([120.0, 120.0, 120.0, 200.0], abs=0.01)
    assert ended.made_calls == 4
    assert ended.spent_usd == 0.0


def test_a_second_outage_is_waited_for_anew() -> None:
    transport = Gone((0.0, 100.0), (150.0, 250.0))
    ended = ask(transport, [0.0, 120.0, 160.0], budget=Budget())
    assert [attempts(result) for result in ended.results] == [[1]] * 3
    assert max(ended.seconds) >= 250.0


def test_without_waiting_the_first_refusal_is_the_last() -> None:
    transport = Gone((0.0, 10.0))
    ended = ask(transport, [0.0], retry=replace(DEFAULTS, outage_seconds=0.0), budget=Budget())
    assert isinstance(ended.results[0], ModelUnreachableError)
    assert len(transport.tried) == 1


def test_an_attempt_that_was_made_before_the_outage_still_counts() -> None:
    """Numbers go on where they were: tries without a connection have none."""

    class Drops(Gone):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            if not self.tried:
                self.tried.append(0.0)
                raise httpx2.ReadError("reset", request=request)
            return await super().handle_async_request(request)

    ended = ask(Drops((0.0, 20.0)), [0.0], budget=Budget(max_calls=1))
    assert attempts(ended.results[0]) == [1, 2]
    assert ended.made_calls == 1


def test_an_outage_is_logged_once_with_its_end(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="lamas.llm.outage"):
        ask(Gone((0.0, 31.0)), [0.0] * 20, budget=Budget())
    first, last = (record.getMessage() for record in caplog.records)
    assert "tiny at http://nobody/v1 cannot be reached" in first
    assert "is back after 3" in last


async def test_a_server_that_goes_away_and_comes_back_on_its_port(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Real sockets: in-flight calls are cut, new ones refused, all are answered in the end."""
    patient = replace(QUICK, outage_seconds=20.0, backoff_max_seconds=0.2)
    path = tmp_path_factory.mktemp("store") / "responses.sqlite"
    with ScriptedEndpoint(says("4", after=0.2)) as endpoint:
        port = endpoint.port
        url = endpoint.base_url
        llm = model(url, retry=patient, store=ResponseStore(path))
        calls = [asyncio.create_task(llm.complete(request(slot))) for slot in range(6)]
        assert await asyncio.to_thread(endpoint.asked.wait, patience(10))
    assert _refuses(port)
    calls += [asyncio.create_task(llm.complete(request(slot))) for slot in range(6, 12)]
    await asyncio.sleep(1.0)
    assert not any(call.done() and call.exception() for call in calls)
    with ScriptedEndpoint(says("4"), port=port) as endpoint:
        results = await asyncio.gather(*calls)
        asked_again = len(endpoint.script.chats_seen)
    await llm.aclose()
    assert all(result.text == "4" for result in results)
    # Whoever was not cut off was asked at the second server alone, and once.
    assert all(len(result.attempts) == 1 for result in results[6:])
    assert asked_again <= 12


def _refuses(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


async def test_a_server_that_answers_with_an_error_is_not_gone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with ScriptedEndpoint(fails(503, "starting")) as endpoint:
        async with model(endpoint.base_url, retry=replace(QUICK, outage_seconds=60.0)) as llm:
            with pytest.raises(ModelUnreachableError, match="in 4 attempts"):
                await llm.complete(request())
    assert "cannot be reached" not in caplog.text


def test_an_endpoint_that_never_comes_back_is_not_waited_for() -> None:
    async def scenario() -> tuple[Exception | None, float]:
        endpoint = EndpointSettings(base_url="http://nobody/v1", model="tiny", stream=False)
        loop = asyncio.get_running_loop()
        async with OpenAIChatModel(
            endpoint,
            price=PRICE,
            transport=Gone((0.0, 1e9)),
            clock=VirtualClock(),
            # It is known to be gone from the tenth second on.
            ended=lambda: "its server ended with exit code -9" if loop.time() > 10.0 else "",
        ) as llm:
            try:
                await llm.complete(request())
            except ModelUnreachableError as error:
                return error, loop.time()
        return None, loop.time()

    error, seconds = run_in_virtual_time(scenario())
    assert "tiny at http://nobody/v1 is gone: its server ended with exit code -9" in str(error)
    assert 10.0 < seconds < 16.0
