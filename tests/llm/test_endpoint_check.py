"""The check before a run: one clear sentence for each thing that can be wrong."""

import asyncio
import json
from dataclasses import replace

import pytest

from lamas.errors import ConfigurationError, ModelRequestError, ModelUnreachableError
from lamas.llm import (
    ChatRequest,
    EndpointSettings,
    OpenAIChatModel,
    Price,
    check_endpoint,
    trial_request,
)
from tests.llm.scripted_endpoint import (
    Answer,
    ScriptedEndpoint,
    chunk,
    fails,
    lists,
    pours,
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


TRIAL = trial_request(temperature=0.7, max_tokens=900, seed=3)


async def refusal(
    message: str,
    *,
    status: int = 400,
    trial: ChatRequest = TRIAL,
    settings: EndpointSettings | None = None,
    fields: dict[str, object] | None = None,
) -> str:
    """What the check says of an endpoint that refuses the trial."""
    body = json.dumps({"error": {"message": message, **(fields or {})}})
    with ScriptedEndpoint(sends(body, "application/json", status=status)) as endpoint:
        asked = replace(settings or EndpointSettings(base_url="http://x", model="tiny"))
        with pytest.raises(ModelUnreachableError) as caught:
            await check_endpoint(replace(asked, base_url=endpoint.base_url), trial=trial)
    return str(caught.value)


async def test_the_trial_is_what_a_run_sends_and_its_answer_is_left_once_it_begins() -> None:
    endless = pours(f"data: {chunk('ready ')}\n\n".encode(), pause=0.01)
    with ScriptedEndpoint(endless) as endpoint:
        asked = EndpointSettings(
            base_url=endpoint.base_url, model="tiny", extra_body={"top_p": 0.9}
        )
        await asyncio.wait_for(check_endpoint(asked, trial=TRIAL), 10)
        (seen,) = endpoint.script.chats_seen
        async with OpenAIChatModel(asked, price=Price(input=0, output=0)) as llm:
            endpoint.script.chats = [says("4")]
            await llm.complete(TRIAL)
        run = endpoint.script.chats_seen[-1]
    assert seen.body == run.body
    assert (seen.body["temperature"], seen.body["max_tokens"], seen.body["seed"]) == (0.7, 900, 3)


REFUSALS: dict[str, tuple[str, dict[str, object], str]] = {
    "gpt-5's limit": (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
        "'max_completion_tokens' instead.",
        {"param": "max_tokens", "code": "unsupported_parameter"},
        "parameter max_tokens: set llm.max_tokens_parameter=max_completion_tokens",
    ),
    "gpt-5's temperature": (
        "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default "
        "(1) value is supported.",
        {"param": "temperature"},
        "temperature: leave it out with llm.omit=[temperature], or set operators.temperature=1",
    ),
    "a limit that is too high": (
        "max_tokens is too large: 900. This model supports at most 512 completion tokens.",
        {"param": "max_tokens"},
        "parameter max_tokens: lower operators.max_tokens",
    ),
    "a seed by name": ("Unrecognized request argument supplied: seed", {}, "llm.omit=[seed]"),
    "a field of the body": (
        "Unknown field 'top_p'",
        {},
        "parameter top_p: correct llm.extra_body.top_p or leave it out",
    ),
    "streams": ("'stream' is not supported", {}, "parameter stream: set llm.stream=false"),
    "the first of two": ("seed and temperature are unknown", {}, "llm.omit=[seed]"),
}


@pytest.mark.parametrize(("message", "error", "remedy"), REFUSALS.values(), ids=REFUSALS)
@pytest.mark.parametrize("status", [400, 422])
async def test_a_refused_parameter_is_named_with_its_remedy(
    message: str, error: dict[str, object], remedy: str, status: int
) -> None:
    asked = EndpointSettings(base_url="http://x", model="tiny", extra_body={"top_p": 0.9})
    said = await refusal(message, status=status, settings=asked, fields=error)
    assert remedy in said
    assert message[:60] in said
    assert "\n" not in said


async def test_a_refused_parameter_in_pydantic_s_form() -> None:
    detail = [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted", "type": "extra"}]
    body = json.dumps({"detail": detail})
    with (
        ScriptedEndpoint(sends(body, "application/json", status=422)) as endpoint,
        pytest.raises(ModelUnreachableError, match=r"llm\.omit=\[seed\]"),
    ):
        await check_endpoint(settings(endpoint.base_url), trial=TRIAL)


async def test_what_is_omitted_is_not_sent_and_what_is_refused_then_is_added() -> None:
    asked = EndpointSettings(base_url="http://x", model="tiny", omit=("seed",))
    said = await refusal("no temperature, please", settings=asked)
    assert "llm.omit=[seed,temperature]" in said
    with ScriptedEndpoint(says("4")) as endpoint:
        omitting = EndpointSettings(
            base_url=endpoint.base_url, model="tiny", omit=("seed", "temperature")
        )
        await check_endpoint(omitting, trial=TRIAL)
        async with OpenAIChatModel(omitting, price=Price(input=0, output=0)) as llm:
            await llm.complete(TRIAL)
            assert llm.call_id(TRIAL) != OpenAIChatModel(
                replace(omitting, omit=()), price=Price(input=0, output=0)
            ).call_id(TRIAL)
        for seen in endpoint.script.chats_seen:
            assert not {"seed", "temperature"} & set(seen.body)


async def test_a_refusal_in_mid_run_names_the_remedy_too() -> None:
    with ScriptedEndpoint(fails(400, "Unrecognized request argument supplied: seed")) as endpoint:
        asked = EndpointSettings(base_url=endpoint.base_url, model="tiny")
        async with OpenAIChatModel(asked, price=Price(input=0, output=0)) as llm:
            with pytest.raises(ModelRequestError, match=r"parameter seed.*llm\.omit=\[seed\]"):
                await llm.complete(TRIAL)


async def test_an_endpoint_that_knows_no_stream_options_passes_the_trial_without_them() -> None:
    refusing = fails(400, "Unrecognized request argument supplied: stream_options")
    with ScriptedEndpoint(refusing, says("ready")) as endpoint:
        await check_endpoint(settings(endpoint.base_url), trial=TRIAL)
        assert "stream_options" not in endpoint.script.chats_seen[1].body


async def test_an_error_with_the_status_of_a_success_fails_the_trial() -> None:
    said = await refusal("the model is not loaded", status=200, fields={"code": 404})
    assert "the model is not loaded" in said


async def test_a_redirect_is_said_to_be_one() -> None:
    moved = sends("", headers={"location": "https://elsewhere.example/v1/models"}, status=308)
    with ScriptedEndpoint(models=moved) as endpoint:
        message = await complaint(endpoint.base_url)
    assert "https://elsewhere.example/v1/models" in message
    assert "llm.base_url" in message


async def test_a_list_of_models_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamas.llm.endpoint_check.CHECK_SECONDS", 0.3)
    with ScriptedEndpoint(models=pours(b" ", "application/json", pause=0.02)) as endpoint:
        message = await complaint(endpoint.base_url)
    assert "no end of /models within 0.3 s" in message


@pytest.mark.parametrize(
    "body", ["[" * 100_000, '{"data": 7}', '{"data": [7]}', "9" * 6_000, '{"data": [{"id": 5}]}']
)
async def test_a_list_of_models_that_is_none_is_a_sentence(body: str) -> None:
    with ScriptedEndpoint(
        fails(404, "no such model"), models=sends(body, "application/json")
    ) as endpoint:
        await complaint(endpoint.base_url)


@pytest.mark.slow
@pytest.mark.attack
@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://127.0.0.1:9/v1\r\nX-Header: y",
        "http://127.0.0.1:9/\x1b]0;x\x07",
        "http://\u202eevil/v1",
        "http://\ud800/v1",
        "http://\U0001f4a9/v1",
        "http://127.0.0.1:9\\@evil.example/v1",
        "http://127.0.0.1:9/" + "a" * 100_000,
    ],
)
async def test_addresses_that_are_none_end_in_a_sentence(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"llm\.base_url") as raised:
        await check_endpoint(EndpointSettings(base_url=url, model="tiny"))
    assert len(str(raised.value)) < 500
