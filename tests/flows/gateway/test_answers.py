"""What a client gets from a gateway, and what the warehouse holds of it afterwards."""

import json
from pathlib import Path
from typing import cast

import httpx
import pytest

from tests.flows.gateway.conftest import QUESTION, Running, running
from warehouse import Registry


def gateway_model(gateway: Running) -> str:
    return gateway.settings.llm.model


def holding(home: Path, text: str) -> list[Path]:
    """Files of a home that hold a text."""
    files = [path for path in home.rglob("*") if path.is_file()]
    return [path for path in files if text.encode() in path.read_bytes()]


def events(response: httpx.Response) -> list[dict[str, object]]:
    lines = [line for line in response.text.split("\n\n") if line.startswith("data: ")]
    assert lines[-1] == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]


@pytest.mark.slow
async def test_an_answer_says_what_was_run_and_what_it_cost(shared: Running) -> None:
    response = await shared.ask()
    assert response.status_code == 200
    body = response.json()
    (choice,) = body["choices"]
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"]
    assert choice["finish_reason"] == "stop"
    usage, details = body["usage"], body["lamas"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0
    assert body["id"] == f"chatcmpl-{details['rollout_id']}"
    assert details["checkpoint_id"] == body["system_fingerprint"]
    assert details["checkpoint_id"].startswith("lamas-")
    assert len(details["layer_seconds"]) >= len(details["graph"])
    assert details["critical_path"]
    assert details["cp_len"] > 0
    assert details["simulated"] is True


@pytest.mark.slow
async def test_a_streamed_answer_is_the_same_in_pieces(shared: Running) -> None:
    whole = (await shared.ask(seed=7)).json()
    streamed = await shared.ask(seed=7, stream=True, stream_options={"include_usage": True})
    assert streamed.headers["content-type"].startswith("text/event-stream")
    chunks = events(streamed)
    deltas = [
        cast("list[dict[str, dict[str, str]]]", chunk["choices"])[0]["delta"]
        for chunk in chunks
        if chunk["choices"]
    ]
    text = "".join(delta.get("content", "") for delta in deltas)
    assert text == whole["choices"][0]["message"]["content"]
    assert chunks[-1]["usage"] == whole["usage"]
    assert cast("dict[str, object]", chunks[-2]["lamas"])["graph"] == whole["lamas"]["graph"]


async def test_a_seed_makes_an_answer_again(shared: Running) -> None:
    texts = [
        (await shared.ask(seed=seed, temperature=1.5)).json()["choices"][0]["message"]["content"]
        for seed in (1, 1, 2, 3, 4)
    ]
    assert texts[0] == texts[1]
    assert len(set(texts)) > 1


async def test_a_plain_model_is_asked_as_it_is(shared: Running) -> None:
    name = shared.settings.llm.model
    body = (await shared.ask(model=name, max_tokens=50)).json()
    assert body["lamas"]["graph"] == [["Model"]]
    assert body["lamas"]["checkpoint_id"] is None
    assert body["lamas"]["calls"] == 1
    assert body["usage"]["completion_tokens"] <= 50


async def test_an_answer_ends_before_a_stop(shared: Running) -> None:
    text = (await shared.ask(seed=7)).json()["choices"][0]["message"]["content"]
    stop = text[len(text) // 2 :][:3]
    cut = (await shared.ask(seed=7, stop=[stop])).json()["choices"][0]["message"]["content"]
    assert stop not in cut


async def test_a_trade_off_needs_a_controller_that_knows_them(shared: Running) -> None:
    for name in ("lamas@2s", "lamas@fast"):
        response = await shared.ask(model=name)
        assert response.status_code == 400
        error = response.json()["error"]
        assert error["param"] == "model"
        assert "controller=conditioned" in error["message"]
    by_header = await shared.client.post(
        "/v1/chat/completions",
        json={"model": "lamas", "messages": [QUESTION]},
        headers={"x-lamas-deadline-ms": "1500"},
    )
    assert by_header.status_code == 400


@pytest.mark.slow
async def test_models_health_metrics_and_page(shared: Running) -> None:
    get = shared.client.get
    names = [item["id"] for item in (await get("/v1/models")).json()["data"]]
    assert names == ["lamas", "lamas@fast", "lamas@balanced", "lamas@best", gateway_model(shared)]
    assert (await get("/v1/models/lamas")).json()["object"] == "model"
    assert (await get("/v1/models/other")).status_code == 404
    assert (await get("/healthz/live")).json() == {"status": "live"}
    assert (await get("/healthz/ready")).json()["checkpoint_id"].startswith("lamas-")
    await shared.ask()
    assert 'lamas_requests_total{model="lamas",status="200"}' in (await get("/metrics")).text
    figures = (await get("/live/figures")).json()
    assert figures["requests"] >= 1
    assert figures["last"][0]["bars"]
    assert "17 + 25" not in json.dumps(figures)
    for path in ("/", "/page.js", "/page.css"):
        page = await get(path)
        assert page.status_code == 200
        assert "script-src 'self'" in page.headers["content-security-policy"]


@pytest.mark.slow
async def test_every_request_is_a_rollout_in_the_warehouse(home: Path) -> None:
    async with running(home) as gateway:
        first = (await gateway.ask(user="somebody", metadata={"task": "sums"})).json()
        second = (await gateway.ask(model=gateway_model(gateway), stream=True)).text
        assert "[DONE]" in second
        said = await gateway.client.post(
            "/v1/feedback", json={"id": first["id"], "score": 0.5, "reference": "42"}
        )
        assert said.status_code == 200
        warehouse, run_id = gateway.warehouse(), gateway.opened.run_id
        assert warehouse.query("FROM served_requests").height == 0
    rows = warehouse.query(
        "SELECT served_requests.*, purpose, score, policy "
        "FROM served_requests INNER JOIN rollouts USING (rollout_id)"
    )
    assert rows["purpose"].to_list() == ["serve", "serve"]
    assert rows["score"].is_null().all()
    assert sorted(rows["policy"].to_list()) == ["lamas", "model"]
    assert rows["streamed"].to_list().count(True) == 1
    assert rows.filter(rows["request_id"] == first["id"])["metadata"].item() == '{"task": "sums"}'
    assert "somebody" not in str(rows.to_dicts())
    run = warehouse.query("FROM runs WHERE run_id = ?", [run_id]).to_dicts()[0]
    assert (run["kind"], run["status"]) == ("serve", "completed")
    feedback = warehouse.query("FROM feedback").to_dicts()[0]
    assert (feedback["request_id"], feedback["score"]) == (first["id"], 0.5)
    assert [result.name for result in warehouse.audit() if result.rows.height] == []


@pytest.mark.slow
async def test_texts_that_are_not_kept_reach_no_file(home: Path) -> None:
    secret = "zebra-91"
    async with running(home, "recording.texts=drop") as gateway:
        answered = await gateway.ask(
            messages=[{"role": "user", "content": f"Count the stripes of {secret}"}],
            metadata={"about": secret},
        )
        await gateway.client.post(
            "/v1/feedback",
            json={"id": answered.json()["id"], "reference": secret, "comment": secret},
        )
        assert holding(home, secret) == []
    assert holding(home, secret) == []
    warehouse = gateway.warehouse()
    question = warehouse.query("SELECT question FROM problems WHERE benchmark = 'served'")
    assert question["question"].to_list() == ["(not kept)"]
    assert [result.name for result in warehouse.audit() if result.rows.height] == []


@pytest.mark.slow
async def test_a_promotion_is_taken_over_and_rolled_back_without_a_restart(home: Path) -> None:
    async with running(home, "gateway.champion_seconds=0.01") as gateway:
        registry = Registry(gateway.warehouse())
        before = (await gateway.ask()).json()["system_fingerprint"]
        other = next(
            item.checkpoint_id for item in registry.checkpoints() if item.checkpoint_id != before
        )
        registry.promote(other, evidence={"reason": "a test"})
        seen = before
        while seen == before:
            answered = await gateway.ask()
            assert answered.status_code == 200
            seen = answered.json()["system_fingerprint"]
        assert seen == other
        registry.rollback(evidence={"reason": "a test"})
        while seen == other:
            seen = (await gateway.ask()).json()["system_fingerprint"]
        assert seen == before
