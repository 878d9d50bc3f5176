"""Calls that nobody waits for any more: cut off, recorded, paid for what came, not asked again."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import httpx2
import pytest

from lamas.domain import Clock, ModelCall
from lamas.errors import CallCancelledError
from lamas.llm import (
    EmbeddedServer,
    EmbeddedSettings,
    EndpointSettings,
    OpenAIChatModel,
    ResponseStore,
    attempts_of,
    embedded,
)
from tests.llm.asking import PRICE, request
from tests.llm.scripted_endpoint import ScriptedEndpoint, chunk, hangs, says, streams
from tests.patience import patience


class Turn:
    """May send when `sends` is set; `over` is what the test says."""

    def __init__(self, *, sends: bool = True) -> None:
        self.over: str | None = None
        self._sends = asyncio.Event()
        if sends:
            self._sends.set()

    async def ready(self) -> None:
        await self._sends.wait()


class Watching(Clock):
    """Tells when the first piece of an answer has arrived: that is when its time is taken."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.arrived = asyncio.Event()

    def now(self) -> float:
        self.looks += 1
        if self.looks == 2:
            self.arrived.set()
        return super().now()


async def given_up(
    settings: EndpointSettings, begun: asyncio.Event | None, store: ResponseStore | None = None
) -> Sequence[ModelCall]:
    """Ask, and give up once `begun`, or when the first piece has arrived; what is on record."""
    clock, turn = Watching(), Turn()
    async with OpenAIChatModel(settings, price=PRICE, store=store, clock=clock) as llm:
        asking = asyncio.create_task(llm.complete(replace(request(max_tokens=1900), turn=turn)))
        await asyncio.wait_for((begun or clock.arrived).wait(), patience(60.0))
        turn.over = "two agreed"
        asking.cancel()
        with pytest.raises(CallCancelledError) as caught:
            await asking
        assert llm.ledger.spent_usd == sum(call.cost_usd for call in attempts_of(caught.value))
    return attempts_of(caught.value)


def at(endpoint: ScriptedEndpoint) -> EndpointSettings:
    return EndpointSettings(base_url=endpoint.base_url, model="tiny")


async def test_what_had_arrived_is_kept_and_paid(tmp_path: Path) -> None:
    with ScriptedEndpoint(streams(chunk("one two"), chunk("three"), pause=600.0)) as endpoint:
        (call,) = await given_up(at(endpoint), None)
    assert (call.status, call.error, call.response_text) == ("cancelled", "two agreed", "one two")
    assert call.usage_output_tokens > 0
    assert call.usage_estimated
    assert call.cost_usd == PRICE.cost_usd(call.usage_input_tokens, call.usage_output_tokens, 0)


async def test_one_that_was_never_sent_is_on_record_too() -> None:
    settings = EndpointSettings(base_url="http://127.0.0.1:9/v1", model="tiny")
    turn = Turn(sends=False)
    async with OpenAIChatModel(settings, price=PRICE) as llm:
        asking = asyncio.create_task(llm.complete(replace(request(), turn=turn)))
        await asyncio.sleep(0)
        turn.over = "two agreed"
        asking.cancel()
        with pytest.raises(CallCancelledError) as caught:
            await asking
    (call,) = attempts_of(caught.value)
    assert (call.status, call.usage_input_tokens, call.cost_usd) == ("cancelled", 0, 0.0)


async def test_a_run_that_is_stopped_cancels_as_ever() -> None:
    with ScriptedEndpoint(hangs()) as endpoint:
        async with OpenAIChatModel(at(endpoint), price=PRICE) as llm:
            asking = asyncio.create_task(llm.complete(replace(request(), turn=Turn())))
            await asyncio.to_thread(endpoint.asked.wait, patience(60.0))
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking


async def test_what_was_cancelled_stays_so_for_its_slot_and_for_no_other(tmp_path: Path) -> None:
    first = streams(chunk("one two"), chunk("three"), pause=600.0)
    with (
        ResponseStore(tmp_path / "responses.sqlite") as store,
        ScriptedEndpoint(first, says("42")) as endpoint,
    ):
        before = await given_up(at(endpoint), None, store)
        async with OpenAIChatModel(at(endpoint), price=PRICE, store=store) as llm:
            with pytest.raises(CallCancelledError) as caught:
                await llm.complete(replace(request(max_tokens=1900), turn=Turn()))
            again = attempts_of(caught.value)
            assert [replace(call, request_messages=()) for call in again] == [
                replace(call, request_messages=(), replayed=True) for call in before
            ]
            assert len(endpoint.script.chats_seen) == 1
            # Who asks without a race wants the whole answer.
            whole = await llm.complete(request(max_tokens=1900))
            assert whole.text == "42"
    assert len(endpoint.script.chats_seen) == 2


@pytest.mark.slow
async def test_llama_cpp_stops_generating_when_its_stream_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The same server, except that it tells what its slots do.
    source = Path(embedded.__file__).with_name("embedded_process.py").read_text("utf-8")
    shown = source.replace("endpoint_slots = False", "endpoint_slots = True")
    assert shown != source
    script = tmp_path / "embedded_process.py"
    script.write_text(shown)
    monkeypatch.setattr(embedded, "_PROCESS", script)
    async with EmbeddedServer(EmbeddedSettings(slots=1, threads=1)) as server:
        settings = replace(server.endpoint(), extra_body={"ignore_eos": True})
        (call,) = await given_up(settings, None)
        assert call.status == "cancelled"
        headers = {"authorization": f"Bearer {settings.api_key}"}
        async with httpx2.AsyncClient(headers=headers, trust_env=False) as client:
            address = f"{server.base_url.removesuffix('/v1')}/slots"
            deadline = asyncio.get_running_loop().time() + patience(60.0)
            while True:
                (slot,) = cast("list[dict[str, object]]", (await client.get(address)).json())
                if not slot["is_processing"]:
                    break
                assert asyncio.get_running_loop().time() < deadline, json.dumps(slot)
                await asyncio.sleep(0.05)
    decoded = json.dumps(slot["next_token"])
    counts = [int(word.strip(" ]}")) for word in decoded.split('"n_decoded":')[1:]]
    # It was asked for 1900 tokens, and would have gone on to the last.
    assert counts
    assert counts[0] < 1000, decoded
