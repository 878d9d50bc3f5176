"""The endpoint over real HTTP with the official client: protocol, determinism, labels."""

import asyncio
import random
from dataclasses import replace

import httpx
import openai
import pytest
from openai import AsyncOpenAI

from lamas.llm.simulated import SimulatedProblem, SimulatedServer
from lamas.llm.simulated.prose import tokens_in
from tests.llm.simulated.support import arithmetic, ask, labels, says, text_of

Call = tuple[SimulatedProblem, str, int]


async def collect(client: AsyncOpenAI, calls: list[Call], concurrency: int) -> dict[str, str]:
    """Answers by call, made in the given order by so many at a time."""
    slots = asyncio.Semaphore(concurrency)
    found: dict[str, str] = {}

    async def one(problem: SimulatedProblem, operator: str, seed: int) -> None:
        async with slots:
            completion = await ask(client, problem.question, labels(problem, operator), seed=seed)
        found[f"{problem.problem_id} {operator} {seed}"] = text_of(completion)

    await asyncio.gather(*(one(*call) for call in calls))
    return found


@pytest.mark.slow
async def test_answers_do_not_depend_on_order_concurrency_or_server(
    client: AsyncOpenAI, problems: list[SimulatedProblem]
) -> None:
    calls = [
        (problem, operator, seed)
        for problem in problems[:20]
        for operator in ("Generate", "SelfRefine", "Programmer")
        for seed in (1, 2)
    ]
    first = await collect(client, calls, 1)
    random.Random(3).shuffle(calls)
    assert await collect(client, calls, 32) == first
    async with (
        SimulatedServer(problems=problems[::-1]) as other,
        AsyncOpenAI(base_url=other.base_url, api_key=other.api_key, max_retries=0) as second,
    ):
        assert await collect(second, calls, 8) == first
    assert len(set(first.values())) > len(first) // 2


async def test_streaming_gives_the_same_text_and_usage(
    client: AsyncOpenAI, problems: list[SimulatedProblem]
) -> None:
    headers = labels(problems[0])
    whole = await ask(client, problems[0].question, headers)
    stream = await client.chat.completions.create(
        model="any",
        messages=[{"role": "user", "content": problems[0].question}],
        seed=1,
        stream=True,
        stream_options={"include_usage": True},
        extra_headers=headers,
    )
    chunks = [chunk async for chunk in stream]
    pieces = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    reasons = [choice.finish_reason for chunk in chunks for choice in chunk.choices]
    assert "".join(pieces) == text_of(whole)
    assert len(pieces) > 5
    assert [reason for reason in reasons if reason] == ["stop"]
    assert chunks[-1].usage == whole.usage
    assert {chunk.id for chunk in chunks} == {whole.id}
    assert {chunk.model for chunk in chunks} == {"simulated-gpt-4o-mini-like"}


async def test_a_stream_has_no_usage_unless_asked(
    client: AsyncOpenAI, problems: list[SimulatedProblem]
) -> None:
    stream = await client.chat.completions.create(
        model="any", messages=[{"role": "user", "content": "hello"}], seed=1, stream=True
    )
    chunks = [chunk async for chunk in stream]
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


async def test_usage_counts_the_text_and_max_tokens_cuts_it(
    client: AsyncOpenAI, problems: list[SimulatedProblem]
) -> None:
    full = await ask(client, problems[0].question, labels(problems[0]))
    cut = await ask(client, problems[0].question, labels(problems[0]), max_tokens=20)
    assert full.usage is not None
    assert cut.usage is not None
    assert full.usage.completion_tokens == tokens_in(text_of(full)) > 50
    assert full.usage.prompt_tokens == tokens_in(problems[0].question) + 4
    assert full.usage.total_tokens == full.usage.prompt_tokens + full.usage.completion_tokens
    assert (cut.usage.completion_tokens, cut.choices[0].finish_reason) == (20, "length")
    assert full.choices[0].finish_reason == "stop"
    assert text_of(full).startswith(text_of(cut))


async def test_several_choices_differ_and_their_usage_adds_up(
    client: AsyncOpenAI, problems: list[SimulatedProblem]
) -> None:
    several = await ask(client, problems[0].question, labels(problems[0]), n=3)
    alone = await ask(client, problems[0].question, labels(problems[0]))
    texts = [text_of(several, index) for index in range(3)]
    assert len(set(texts)) == 3
    assert texts[0] == text_of(alone)
    assert several.usage is not None
    assert several.usage.completion_tokens == sum(map(tokens_in, texts))


async def test_a_problem_is_recognised_by_its_question(
    client: AsyncOpenAI, problems: list[SimulatedProblem]
) -> None:
    problem = problems[7]
    prompt = f"Answer this:\n{problem.question}\nThank you."
    unlabelled = await ask(client, prompt, {"x-lamas-operator": "Generate"})
    labelled = await ask(client, prompt, labels(problem, "Generate"))
    assert text_of(unlabelled) == text_of(labelled)


async def test_an_unknown_problem_gets_a_generic_answer(client: AsyncOpenAI) -> None:
    completion = await ask(client, "What is love?", {})
    assert "\\boxed{" in text_of(completion)
    assert completion.model.startswith("simulated-")


async def test_without_seed_answers_differ(
    client: AsyncOpenAI, problems: list[SimulatedProblem]
) -> None:
    texts = {
        text_of(await ask(client, problems[0].question, labels(problems[0]), seed=None))
        for _ in range(5)
    }
    assert len(texts) > 1


async def test_problems_can_be_taught_over_http(client: AsyncOpenAI) -> None:
    easy = [replace(p, difficulty=-40.0) for p in arithmetic(3, benchmark="taught")]
    root = str(client.base_url).removesuffix("/v1/")
    async with httpx.AsyncClient(base_url=root, headers=client.auth_headers) as http:
        body = [problem.as_json() for problem in easy]
        added = await http.post("/simulated/problems", json=body)
        bad = await http.post("/simulated/problems", json=[*body, {**body[0], "family": "art"}])
        no_list = await http.post("/simulated/problems", json={})
        health = await http.get("/health")
        statistics = await http.get("/simulated/statistics")
    assert added.json()["added"] == 3
    assert bad.status_code == no_list.status_code == 400
    assert bad.json()["error"]["message"].startswith("problem 3: family 'art' is not one of")
    assert health.json()["simulated"] is True
    assert statistics.json()["requests"] >= 1
    completion = await ask(client, "…", labels(easy[2]))
    assert says(text_of(completion), easy[2])


async def test_models_are_listed(client: AsyncOpenAI) -> None:
    listed = [model.id async for model in client.models.list()]
    assert listed == ["simulated-gpt-4o-mini-like"]
    assert (await client.models.retrieve(listed[0])).owned_by == "simulated"
    with pytest.raises(openai.NotFoundError) as raised:
        await client.models.retrieve("gpt-9")
    assert raised.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages[0].content"),
        ({"model": ""}, "model"),
        ({"temperature": 2.5}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": "9"}, "max_completion_tokens"),
        ({"n": 129}, "n"),
        ({"seed": 1.5}, "seed"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"tools": [{"type": "function"}]}, "tools"),
    ],
)
async def test_refused_requests_name_the_parameter(
    client: AsyncOpenAI, change: dict[str, object], param: str
) -> None:
    body = {"model": "any", "messages": [{"role": "user", "content": "x"}], **change}
    async with httpx.AsyncClient(
        base_url=str(client.base_url), headers=client.auth_headers
    ) as http:
        response = await http.post("/chat/completions", json=body)
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert param in error["message"]


async def test_text_parts_read_like_a_string(client: AsyncOpenAI) -> None:
    parts = await client.chat.completions.create(
        model="any",
        seed=1,
        messages=[{"role": "user", "content": [{"type": "text", "text": "What is love?"}]}],
    )
    assert text_of(parts) == text_of(await ask(client, "What is love?", {}))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/chat/completions", 405), ("POST", "/v1/embeddings", 404)],
)
async def test_unknown_routes_answer_in_the_error_shape(
    client: AsyncOpenAI, method: str, path: str, status: int
) -> None:
    root = str(client.base_url).removesuffix("/v1/")
    async with httpx.AsyncClient(base_url=root, headers=client.auth_headers) as http:
        response = await http.request(method, path)
    assert response.status_code == status
    assert path in response.json()["error"]["message"]


@pytest.mark.slow
async def test_a_body_that_is_no_json_is_refused(client: AsyncOpenAI) -> None:
    async with httpx.AsyncClient(
        base_url=str(client.base_url), headers=client.auth_headers
    ) as http:
        for body in (b"{", b"[]", b"\xff"):
            response = await http.post("/chat/completions", content=body)
            assert response.status_code == 400
            assert response.json()["error"]["type"] == "invalid_request_error"
