"""Stored responses: what replays, and what a killed process leaves."""

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.domain import ModelCall
from lamas.domain.hygiene import well_formed
from lamas.errors import BudgetExceededError, ConfigurationError, ModelRequestError, UnwritableError
from lamas.llm import Budget, EndpointSettings, ResponseStore
from tests.llm.asking import model, request
from tests.llm.scripted_endpoint import ScriptedEndpoint, fails, says
from tests.patience import patience

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def call(text: str = "4", **changes: object) -> ModelCall:
    made = ModelCall(
        call_id="c",
        attempt=1,
        request_model="tiny",
        request_temperature=1.0,
        request_max_tokens=5,
        request_seed=7,
        response_text=text,
        response_finish_reasons=("stop",),
        usage_output_tokens=3,
        started_at=1.5,
        ended_at=2.5,
        cost_usd=0.1,
        status="ok",
    )
    return replace(made, **changes)  # pyright: ignore[reportArgumentType]


async def test_a_stored_answer_is_neither_sent_nor_paid_nor_counted_again(tmp_path: Path) -> None:
    path = tmp_path / "responses.sqlite"
    with ScriptedEndpoint(fails(500), says("It is 4"), says("other")) as endpoint:
        with ResponseStore(path) as store:
            async with model(endpoint.base_url, store=store) as llm:
                first = await llm.complete(request())
        with ResponseStore(path) as store:
            async with model(endpoint.base_url, store=store, budget=Budget(max_calls=0)) as llm:
                again = await llm.complete(request())
                with pytest.raises(BudgetExceededError):
                    await llm.complete(request(1))
        assert len(endpoint.script.chats_seen) == 2
    assert again.text == first.text == "It is 4"
    assert again.attempts == tuple(replace(attempt, replayed=True) for attempt in first.attempts)
    assert again.attempts[-1].cost_usd > 0
    assert (llm.ledger.spent_usd, llm.ledger.made_calls) == (0.0, 0)


async def test_another_slot_model_or_seed_is_another_sample(tmp_path: Path) -> None:
    with ScriptedEndpoint(*(says(str(n)) for n in range(4))) as endpoint:
        settings = EndpointSettings(base_url=endpoint.base_url, model="tiny")
        with ResponseStore(tmp_path / "r.sqlite") as store:
            async with model(settings, store=store) as llm:
                texts = [
                    (await llm.complete(asked)).text
                    for asked in (request(0), request(1), replace(request(0), seed=8), request(0))
                ]
            async with model(replace(settings, identity="other"), store=store) as llm:
                texts.append((await llm.complete(request(0))).text)
    assert texts == ["0", "1", "2", "0", "3"]


async def test_reuse_finds_the_sample_of_another_slot(tmp_path: Path) -> None:
    with (
        ScriptedEndpoint(says("first"), says("second")) as endpoint,
        ResponseStore(tmp_path / "r.sqlite") as store,
    ):
        async with model(endpoint.base_url, store=store, reuse_scope="") as llm:
            first, other = await llm.complete(request(0)), await llm.complete(request(1))
            third = await llm.complete(replace(request(1), seed=8))
    assert (first.text, other.text, third.text) == ("first", "first", "second")
    assert other.attempts[0].replayed
    assert other.attempts[0].call_id == llm.call_id(request(1)) != first.attempts[0].call_id


async def test_who_asks_the_same_at_once_waits_for_the_first_answer(tmp_path: Path) -> None:
    with (
        ScriptedEndpoint(*(says(str(number)) for number in range(5))) as endpoint,
        ResponseStore(tmp_path / "r.sqlite") as store,
    ):
        async with model(endpoint.base_url, store=store, reuse_scope="compare-1") as llm:
            asked = [llm.complete(request(slot)) for slot in range(4)]
            results = await asyncio.gather(*asked, llm.complete(replace(request(0), seed=8)))
        async with model(endpoint.base_url, store=store, reuse_scope="compare-2") as llm:
            elsewhere = await llm.complete(request(0))
    assert len({item.text for item in results[:4]}) == 1
    assert sum(item.attempts[0].replayed for item in results) == 3
    assert len({item.text for item in (results[0], results[4], elsewhere)}) == 3


async def test_failures_are_not_stored(tmp_path: Path) -> None:
    with (
        ScriptedEndpoint(fails(400), says("4")) as endpoint,
        ResponseStore(tmp_path / "r.sqlite") as store,
    ):
        async with model(endpoint.base_url, store=store) as llm:
            with pytest.raises(ModelRequestError):
                await llm.complete(request())
            assert store.count() == 0
            assert not (await llm.complete(request())).attempts[0].replayed
            assert store.count() == 1


@given(FINITE, FINITE, st.floats(min_value=0, max_value=1e9), st.text(), st.none() | FINITE)
def test_records_come_back_to_the_last_bit(
    started: float, ended: float, cost: float, text: str, first_chunk: float | None
) -> None:
    stored = call(
        well_formed(text),
        started_at=started,
        ended_at=ended,
        cost_usd=cost,
        time_to_first_chunk_seconds=first_chunk,
    )
    with ResponseStore(Path(":memory:")) as store:
        store.put("k", (replace(stored, status="error", error="x"), stored))
        assert store.get("k") == (replace(stored, status="error", error="x"), stored)
        assert store.get("other") is None


def test_the_first_record_of_a_key_stays(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "deep" / "r.sqlite") as store:
        store.put("k", (call("first"),))
        store.put("k", (call("second"),))
        assert store.get("k") == (call("first"),)


WRITER = """
import sys
from pathlib import Path
from lamas.llm import ResponseStore
from tests.llm.test_store import call
store = ResponseStore(Path(sys.argv[1]))
n = 0
while True:
    store.put(f"{sys.argv[2]}/{n}", (call("x" * 500, attempt=n + 1),))
    print(n, flush=True)
    n += 1
"""


def start_writer(path: Path, name: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


@pytest.mark.slow
def test_two_processes_write_and_a_kill_loses_nothing_that_was_put(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    writers = {name: start_writer(path, name) for name in ("a", "b")}
    said: dict[str, list[int]] = {}

    def read(name: str) -> None:
        output = writers[name].stdout
        assert output is not None
        said[name] = []
        for line in output:
            said[name].append(int(line))
            if len(said[name]) == 300:
                writers[name].send_signal(signal.SIGKILL)

    threads = [threading.Thread(target=read, args=(name,)) for name in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=patience(60))
    assert [writer.wait(timeout=patience(10)) for writer in writers.values()] == [-9, -9]

    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    with ResponseStore(path) as store:
        for name, numbers in said.items():
            assert len(numbers) >= 300
            for number in numbers:
                assert store.get(f"{name}/{number}") == (call("x" * 500, attempt=number + 1),)


async def test_coroutines_and_threads_share_one_store(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "r.sqlite") as store:

        def put_and_get(number: int) -> bool:
            store.put(str(number), (call(str(number)),))
            return store.get(str(number)) == (call(str(number)),)

        assert all(await asyncio.gather(*(asyncio.to_thread(put_and_get, n) for n in range(200))))
        assert store.count() == 200


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no database " * 100)
    with pytest.raises(ConfigurationError, match=r"notes\.txt cannot be used"):
        ResponseStore(text)
    foreign = tmp_path / "foreign.sqlite"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    with pytest.raises(ConfigurationError, match="another program's database"):
        ResponseStore(foreign)
    newer = tmp_path / "newer.sqlite"
    ResponseStore(newer).close()
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(ConfigurationError, match="version 99"):
        ResponseStore(newer)


@pytest.mark.parametrize(
    "poison",
    [
        '[{"call_id": 1}]',
        "no JSON",
        "[]",
        "[" * 5000,
        '[{"call_id": "c", "response_text": "half \\ud83d"}]',
        {"usage_input_tokens": 2**63},
        {"usage_output_tokens": 10**400},
        {"usage_output_tokens": -1},
        {"cost_usd": -0.5},
        {"response_finish_reasons": ["error"]},
        {"status": "error"},
    ],
    ids=str,
)
def test_a_record_that_can_be_no_answer_is_set_aside_and_asked_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, poison: str | dict[str, object]
) -> None:
    path = tmp_path / "r.sqlite"
    with ResponseStore(path, run_id="run") as store:
        store.put("good", (call(),))
        store.put("k", (call(),))
    with sqlite3.connect(path) as connection:
        if isinstance(poison, dict):
            (text,) = connection.execute("SELECT attempts FROM responses").fetchone()
            poison = json.dumps([{**json.loads(text)[0], **poison}])
        connection.execute("UPDATE responses SET attempts = ? WHERE key = 'k'", (poison,))
    with ResponseStore(path, run_id="run") as store:
        assert store.paid() == (1, 0.1)
        assert "record k that can be no answer" in caplog.text
        assert store.get("k") is None
        assert store.get("good") == (call(),)
        store.put("k", (call("again"),))
        assert store.get("k") == (call("again"),)
    with sqlite3.connect(path) as connection:
        aside = connection.execute("SELECT key, attempts, run_id FROM set_aside").fetchall()
        assert aside == [("k", poison, "run")]
    with ResponseStore(path, run_id="run") as store:
        assert store.forget(["run"]) == 2
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM set_aside").fetchone() == (0,)


def test_what_can_be_no_answer_is_not_kept(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "r.sqlite") as store:
        for flawed in (
            call("half \ud83d"),
            call(usage_input_tokens=2**63),
            call(cost_usd=float("nan")),
            call(response_finish_reasons=("error",)),
            call(status="error"),
        ):
            with pytest.raises(ValueError, match=r"character|tokens|cost|finish_reason|failed"):
                store.put("k", (flawed,))
        assert store.count() == 0


def test_what_another_store_holds_is_taken_over_once(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "shard.sqlite", run_id="run") as shard:
        shard.put("a", (call("1"),))
        shard.put("b", (call("2"),))
    with ResponseStore(tmp_path / "responses.sqlite", run_id="run") as store:
        store.put("a", (call("first"),))
        assert store.absorb(tmp_path / "shard.sqlite") == 1
        assert store.absorb(tmp_path / "shard.sqlite") == 0
        assert [stored.response_text for stored in store.get("a") or ()] == ["first"]
        assert store.paid() == (2, 0.2)
        store.put("c", (call("3"),))
    # One file and no log beside it: it can be deleted as one.
    assert sorted(path.name for path in tmp_path.glob("shard*")) == ["shard.sqlite"]


def test_earlier_answers_are_found_and_not_paid_again(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "responses.sqlite", run_id="run") as store:
        store.put("a", (call("1"),))
        with ResponseStore(store.path, run_id="another") as other:
            other.put("x", (call("9"),))
        store.copy(tmp_path / "earlier.sqlite")
    with ResponseStore(
        tmp_path / "shard.sqlite", run_id="run", earlier=tmp_path / "earlier.sqlite"
    ) as shard:
        shard.put("b", (call("2"),))
        assert [item.response_text for item in shard.get("a") or ()] == ["1"]
        assert [item.response_text for item in shard.get("b") or ()] == ["2"]
        assert shard.get("x") is None
        assert shard.paid() == (1, 0.1)


def test_a_missing_earlier_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be used"):
        ResponseStore(tmp_path / "a.sqlite", earlier=tmp_path / "missing.sqlite")


@pytest.mark.slow
async def test_while_answers_cannot_be_kept_none_is_paid_for(tmp_path: Path) -> None:
    """The one in hand is used, and stored as soon as there is room."""
    path = tmp_path / "responses.sqlite"
    with ScriptedEndpoint(says("4")) as endpoint, ResponseStore(path) as store:
        async with model(endpoint.base_url, store=store) as llm:
            with sqlite3.connect(path) as other:
                (pages,) = other.execute("PRAGMA page_count").fetchone()
            limit = store._connection  # pyright: ignore[reportPrivateUsage]
            limit.execute(f"PRAGMA max_page_count = {pages}")
            paid = 0
            while store.count() == paid:
                assert (await llm.complete(request(paid))).text == "4"
                paid += 1
            with pytest.raises(UnwritableError, match=r"written \(.*disk is full\)") as caught:
                await llm.complete(request(500))
            assert str(path) in str(caught.value)
            assert len(endpoint.script.chats_seen) == paid
            assert store.count() == paid - 1
            # What is stored needs no room.
            assert (await llm.complete(request(0))).attempts[0].replayed
            limit.execute("PRAGMA max_page_count = 100000")
            await llm.complete(request(500))
            assert store.count() == paid + 1


def test_a_second_request_counts_as_a_call_of_its_own(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "r.sqlite", run_id="run") as store:
        store.put("plain", (call(),))
        store.put("hedged", (call(hedge="second", hedge_cost_usd=0.05),))
        assert store.paid() == (3, 0.2)
