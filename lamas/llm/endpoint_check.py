"""Whether an endpoint answers, takes the key and serves the model, before a run depends on it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import openai
from openai.types.chat import ChatCompletionUserMessageParam

from lamas.errors import ModelUnreachableError
from lamas.llm.client import build_client, resolve_key
from lamas.llm.failures import Failure, failure_of
from lamas.llm.reply import MalformedReplyError
from lamas.llm.settings import EndpointSettings

CHECK_SECONDS = 15.0
"""Longest wait for one answer of the check."""
TRIES = 3
PAUSE_SECONDS = 0.5
_NO_MODEL_LIST = frozenset({404, 405, 501})
_MOST_NAMES_SHOWN = 8

T = TypeVar("T")


async def check_endpoint(settings: EndpointSettings) -> None:
    """Return when the endpoint is usable; otherwise ModelUnreachableError with one sentence.

    Costs nothing where `/models` lists the model; elsewhere one token is asked for.
    """
    key = resolve_key(settings)
    async with build_client(settings, key) as client:
        names = await _ask(lambda: _served(client), key)
        if isinstance(names, Failure):
            if names.status not in _NO_MODEL_LIST:
                raise ModelUnreachableError(_sentence(settings, names, []))
            names = []
        if settings.model in names:
            return
        # Servers of one model often answer to any name; only a completion tells.
        failure = await _ask(lambda: _one_token(client, settings), key)
        if failure is not None:
            raise ModelUnreachableError(_sentence(settings, failure, names))


async def _served(client: openai.AsyncOpenAI) -> list[str]:
    try:
        page = await client.models.list(timeout=CHECK_SECONDS)
        return [str(model.id) for model in page.data]
    except (AttributeError, TypeError) as error:
        raise MalformedReplyError(f"/models gave no list of models ({error})") from None


async def _one_token(client: openai.AsyncOpenAI, settings: EndpointSettings) -> None:
    await client.chat.completions.create(
        model=settings.model,
        messages=[ChatCompletionUserMessageParam(role="user", content="Hi")],
        extra_body={settings.max_tokens_parameter: 1, **settings.extra_body},
        timeout=max(CHECK_SECONDS, settings.first_chunk_timeout_seconds),
    )


async def _ask(question: Callable[[], Awaitable[T]], key: str) -> T | Failure:
    for left in reversed(range(TRIES)):
        try:
            return await question()
        except Exception as error:
            failure = failure_of(error, secret=key, now=time.time())
            if not left or not failure.retryable:
                return failure
            await asyncio.sleep(PAUSE_SECONDS)
    raise AssertionError("the last try returns")


def _sentence(settings: EndpointSettings, failure: Failure, names: list[str]) -> str:
    url, model = settings.base_url, settings.model
    if failure.status in {401, 403}:
        if settings.api_key_env is None:
            remedy = "name the environment variable that holds the key in llm.api_key_env"
        else:
            remedy = f"check the key in the environment variable {settings.api_key_env}"
        return f"{url} refuses access ({failure.reason}): {remedy}"
    if failure.status in {400, 404} and names:
        shown = ", ".join(sorted(names)[:_MOST_NAMES_SHOWN])
        more = " …" if len(names) > _MOST_NAMES_SHOWN else ""
        return f"{url} does not serve model {model!r}: set llm.model to one of {shown}{more}"
    if failure.status == 404:
        return (
            f"{url} serves no chat completions for model {model!r} ({failure.reason}): check "
            "llm.base_url, which usually ends in /v1, and llm.model"
        )
    if failure.status is None:
        return (
            f"no model answers at {url} ({failure.reason}): start the server there, "
            "or set llm.base_url, or pick llm=embedded, which needs none"
        )
    return f"{url} cannot be used now ({failure.reason}): try again later or set llm.base_url"
