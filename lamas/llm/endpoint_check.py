"""Whether an endpoint answers, takes key and parameters, and serves the model, before a run."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import openai

from lamas.domain import ChatMessage
from lamas.errors import ModelUnreachableError
from lamas.llm.answer_parts import MalformedReplyError
from lamas.llm.body_budget import answer_characters
from lamas.llm.chat import ChatRequest
from lamas.llm.client import build_client, resolve_key
from lamas.llm.exchange import ask
from lamas.llm.failures import Failure, ReplyTimeoutError, failure_of
from lamas.llm.refused_parameter import parameter_remedy
from lamas.llm.reply import Reply
from lamas.llm.request_body import request_body
from lamas.llm.settings import EndpointSettings

CHECK_SECONDS = 15.0
"""Longest wait for one answer of the check."""
TRIES = 3
PAUSE_SECONDS = 0.5
_NO_MODEL_LIST = frozenset({404, 405, 501})
_MOST_NAMES_SHOWN = 8

T = TypeVar("T")


def trial_request(*, temperature: float, max_tokens: int, seed: int = 0) -> ChatRequest:
    """A short question with a run's own parameters."""
    return ChatRequest(
        messages=(ChatMessage(role="user", content="Reply with the single word: ready"),),
        temperature=temperature,
        max_tokens=max_tokens,
        sample_key="trial",
        seed=seed,
    )


async def check_endpoint(settings: EndpointSettings, *, trial: ChatRequest | None = None) -> None:
    """Return when the endpoint is usable; otherwise ModelUnreachableError with one sentence.

    `trial` is sent as a run would send it, and its answer left once it begins: a few tokens are
    paid for. Without one the check costs nothing where `/models` lists the model; elsewhere one
    token is asked for.
    """
    key = resolve_key(settings)
    async with build_client(settings, key) as client:
        names = await _ask(lambda: _served(client), key)
        if isinstance(names, Failure):
            if names.status not in _NO_MODEL_LIST:
                raise ModelUnreachableError(_sentence(settings, names, []))
            names = []
        if settings.model in names and trial is None:
            return
        # Servers of one model often answer to any name; only a completion tells.
        asked = trial or trial_request(temperature=1.0, max_tokens=1)
        failure = await _ask(lambda: _answer(client, settings, asked), key)
        if isinstance(failure, Failure) and _about_usage(failure):
            failure = await _ask(lambda: _answer(client, settings, asked, usage=False), key)
        if failure is not None:
            raise ModelUnreachableError(_sentence(settings, failure, names))


async def _served(client: openai.AsyncOpenAI) -> list[str]:
    try:
        # The client's own limit is one of each read: an endpoint may send a byte a second.
        async with asyncio.timeout(CHECK_SECONDS):
            page = await client.models.list(timeout=CHECK_SECONDS)
        return [str(model.id) for model in page.data]
    except TimeoutError:
        raise ReplyTimeoutError(f"no end of /models within {CHECK_SECONDS:g} s") from None
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise MalformedReplyError(f"/models gave no list of models ({error})") from None


async def _answer(
    client: openai.AsyncOpenAI,
    settings: EndpointSettings,
    asked: ChatRequest,
    *,
    usage: bool = True,
) -> None:
    """Raise unless an answer begins."""
    limit = max(CHECK_SECONDS, settings.first_chunk_timeout_seconds)
    try:
        async with asyncio.timeout(limit):
            await ask(
                client,
                body=request_body(settings, asked, asks_for_usage=usage),
                headers={},
                max_tokens=asked.max_tokens,
                reply=Reply(most_characters=answer_characters(asked.max_tokens)),
                arrived=lambda: True,
            )
    except TimeoutError:
        raise ReplyTimeoutError(f"no answer within {limit:g} s") from None


def _about_usage(failure: Failure) -> bool:
    """Whether the endpoint knows no `stream_options`, which a run does without."""
    return failure.status == 400 and "stream_options" in failure.reason


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
    remedy = parameter_remedy(settings, failure)
    if remedy is not None:
        return f"{url} refuses a request as this run would send it ({failure.reason}): {remedy}"
    if failure.status in {400, 404} and names and model not in names:
        shown = ", ".join(sorted(names)[:_MOST_NAMES_SHOWN])
        more = " …" if len(names) > _MOST_NAMES_SHOWN else ""
        return f"{url} does not serve model {model!r}: set llm.model to one of {shown}{more}"
    if failure.status == 404:
        return (
            f"{url} serves no chat completions for model {model!r} ({failure.reason}): check "
            "llm.base_url, which usually ends in /v1, and llm.model"
        )
    if failure.status is not None and 300 <= failure.status < 400:
        return f"{url} is no endpoint of its own: {failure.reason}"
    if failure.status is None:
        return (
            f"no model answers at {url} ({failure.reason}): start the server there, "
            "or set llm.base_url, or pick llm=embedded, which needs none"
        )
    return f"{url} cannot be used now ({failure.reason}): try again later or set llm.base_url"
