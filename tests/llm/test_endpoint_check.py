"""The check before a run: one clear sentence for each thing that can be wrong."""

import pytest

from lamas.errors import ModelUnreachableError
from lamas.llm import EndpointSettings, OpenAIChatModel, Price, check_endpoint
from tests.llm.scripted_endpoint import (
    Answer,
    ScriptedEndpoint,
    fails,
    lists,
    says,
    sends,
)


def settings(base_url: str, **changes: str) -> EndpointSettings:
    return EndpointSettings(base_url=base_url, model="tiny", **changes)  # pyright: ignore[reportArgumentType]


async def test_a_listed_model_is_fine_and_nothing_is_generated() -> None:
    with ScriptedEndpoint(models=lists("other", "tiny")) as endpoint:
        await check_endpoint(settings(endpoint.base_url))
        assert endpoint.script.chats_seen == []


@pytest.mark.parametrize("models", [lists("an-alias"), lists(), fails(404), fails(501)])
async def test_a_server_that_answers_to_any_name_is_fine(models: Answer) -> None:
    with ScriptedEndpoint(says("x"), models=models) as endpoint:
        await check_endpoint(settings(endpoint.base_url))
        assert endpoint.script.chats_seen[0].body["max_tokens"] == 1


async def test_a_passing_fault_is_asked_again() -> None:
    with ScriptedEndpoint() as endpoint:
        endpoint.script.models = [fails(503), sends("{", "application/json"), lists("tiny")]
        await check_endpoint(settings(endpoint.base_url))


async def complaint(base_url: str, **changes: str) -> str:
    with pytest.raises(ModelUnreachableError) as caught:
        await check_endpoint(settings(base_url, **changes))
    message = str(caught.value)
    assert base_url in message
    assert "\n" not in message
    return message


async def test_nothing_there() -> None:
    message = await complaint("http://127.0.0.1:9/v1")
    assert message.startswith("no model answers at http://127.0.0.1:9/v1")
    assert "llm.base_url" in message


async def test_a_key_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAMAS_TEST_KEY", raising=False)
    message = await complaint("http://127.0.0.1:9/v1", api_key_env="LAMAS_TEST_KEY")
    assert "LAMAS_TEST_KEY is not set" in message
    with pytest.raises(ModelUnreachableError, match="LAMAS_TEST_KEY is not set"):
        OpenAIChatModel(
            settings("http://127.0.0.1:9/v1", api_key_env="LAMAS_TEST_KEY"),
            price=Price(input=0, output=0),
        )


async def test_a_key_that_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMAS_TEST_KEY", "topsecret-123456")
    refusal = fails(401, "Incorrect API key provided: topsecret-123456")
    with ScriptedEndpoint(models=refusal) as endpoint:
        message = await complaint(endpoint.base_url, api_key_env="LAMAS_TEST_KEY")
        assert "check the key in the environment variable LAMAS_TEST_KEY" in message
        assert "topsecret" not in message
        message = await complaint(endpoint.base_url)
        assert "llm.api_key_env" in message


async def test_a_model_that_is_not_served() -> None:
    with ScriptedEndpoint(fails(404, "no such model"), models=lists("big", "small")) as endpoint:
        message = await complaint(endpoint.base_url)
    assert "does not serve model 'tiny': set llm.model to one of big, small" in message


async def test_an_address_without_its_path() -> None:
    with ScriptedEndpoint() as endpoint:
        message = await complaint(endpoint.base_url.removesuffix("/v1"))
    assert "usually ends in /v1" in message


async def test_something_else_that_speaks_http() -> None:
    with ScriptedEndpoint(models=sends("<html>hello</html>", "text/html")) as endpoint:
        message = await complaint(endpoint.base_url)
    assert "no model answers" in message


async def test_a_server_that_is_down() -> None:
    with ScriptedEndpoint(models=fails(503, "maintenance")) as endpoint:
        message = await complaint(endpoint.base_url)
    assert "HTTP 503: maintenance" in message
