"""A gateway behind a real server: the openai client, clients that leave, streams that wait."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from flows.gateway.serve import serve_app
from lamas.llm import ChatRequest, ChatResult
from tests.flows.gateway.conftest import Running
from tests.scripted import Reply, ScriptedModel


@asynccontextmanager
async def served(gateway: Running) -> AsyncGenerator[str]:
    """Its address, while it is served by uvicorn on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        task = asyncio.create_task(serve_app(gateway.opened.app, taken))
        try:
            yield f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def model(gateway: Running, scripted: ScriptedModel) -> AsyncGenerator[None]:
    """Within the block `scripted` answers for every model."""
    service = gateway.opened.service
    before = service.kitchen
    service.kitchen = replace(before, model=scripted)
    try:
        yield
    finally:
        service.kitchen = before


@pytest.mark.slow
async def test_the_openai_client_is_answered_whole_streamed_and_from_a_thread(
    shared: Running,
) -> None:
    asked: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is 17 + 25?"}]
    async with served(shared) as url, openai.AsyncOpenAI(base_url=url, api_key="any") as client:
        whole = await client.chat.completions.create(model="lamas", messages=asked, seed=3)
        stream = await client.chat.completions.create(
            model="lamas",
            messages=asked,
            seed=3,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert text == whole.choices[0].message.content
        assert chunks[-1].usage == whole.usage
        with pytest.raises(openai.BadRequestError) as refused:
            await client.chat.completions.create(model="lamas", messages=asked, n=2)
        assert refused.value.param == "n"
        with pytest.raises(openai.NotFoundError):
            await client.chat.completions.create(model="gpt-9", messages=asked)

        def from_a_thread() -> str | None:
            with openai.OpenAI(base_url=url, api_key="any") as plain:
                answer = plain.chat.completions.create(model="lamas", messages=asked, seed=3)
                return answer.choices[0].message.content

        assert await asyncio.to_thread(from_a_thread) == text


@pytest.mark.slow
async def test_the_responses_of_the_openai_client_are_text(shared: Running) -> None:
    async with served(shared) as url, openai.AsyncOpenAI(base_url=url, api_key="any") as client:
        whole = await client.responses.create(
            model="lamas", input="What is 17 + 25?", instructions="Be brief.", temperature=0.0
        )
        assert (whole.status, whole.object) == ("completed", "response")
        assert whole.output_text
        assert whole.usage is not None
        assert whole.usage.total_tokens > 0
        again = await client.responses.create(
            model="lamas",
            input=[
                {"role": "user", "content": "What is 17 + 25?"},
                {"role": "assistant", "content": whole.output_text},
                {"role": "user", "content": [{"type": "input_text", "text": "And 2 more?"}]},
            ],
            include=["reasoning.encrypted_content"],
            stream=True,
        )
        events = [event async for event in again]
        kinds = [event.type for event in events]
        assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
        assert [event.sequence_number for event in events] == list(range(len(events)))
        text = "".join(item.delta for item in events if item.type == "response.output_text.delta")
        (done,) = [item for item in events if item.type == "response.completed"]
        assert text == done.response.output_text != ""
        given = {"id": done.response.id, "score": 1.0}
        assert (await shared.client.post("/v1/feedback", json=given)).status_code == 200
        with pytest.raises(openai.BadRequestError, match="tools"):
            await client.responses.create(model="lamas", input="x", tools=[{"type": "web_search"}])


async def test_a_client_that_leaves_cancels_what_runs(shared: Running) -> None:
    scripted = ScriptedModel(lambda request: Reply("42", seconds=3600.0))
    body = {"model": "lamas", "messages": [{"role": "user", "content": "?"}]}
    async with model(shared, scripted), served(shared) as url, httpx.AsyncClient() as client:
        for streamed in (False, True):
            asking = asyncio.create_task(
                client.post(f"{url}/chat/completions", json={**body, "stream": streamed})
            )
            await scripted.until_running(1)
            asking.cancel()
            await asyncio.wait({asking})
            await scripted.until_idle()
    figures = shared.opened.service.traffic.metrics().decode()
    assert 'lamas_requests_total{model="lamas",status="499"} 2.0' in figures


@pytest.mark.slow
async def test_a_stream_that_waits_says_so(shared: Running) -> None:
    gate = asyncio.Event()

    class Waiting(ScriptedModel):
        async def complete(self, request: ChatRequest) -> ChatResult:
            await gate.wait()
            return await super().complete(request)

    body = {"model": "lamas", "messages": [{"role": "user", "content": "?"}], "stream": True}
    waiting = Waiting(lambda request: Reply("42"))
    async with (
        model(shared, waiting),
        served(shared) as url,
        httpx.AsyncClient() as client,
        client.stream("POST", f"{url}/chat/completions", json=body) as response,
    ):
        lines = response.aiter_lines()
        assert [await anext(lines) for _ in range(3)] == [": working", "", ": working"]
        gate.set()
        rest = [line async for line in lines]
    assert rest[-2:] == ["data: [DONE]", ""]


@pytest.mark.slow
async def test_a_failed_model_is_a_502_and_on_record(shared: Running) -> None:
    def broken(request: ChatRequest) -> Exception:
        return openai.OpenAIError("down")

    async with model(shared, ScriptedModel(broken)):
        response = await shared.ask()
    assert response.status_code == 502
    assert response.json()["error"]["type"] == "upstream_error"
    figures = (await shared.client.get("/live/figures")).json()
    assert figures["last"][0]["status"] == 502
