"""How the OpenAI client is set up for an endpoint: key, proxies, timeouts."""

import os
from urllib.parse import urlsplit

import httpx2
import openai

from lamas.errors import ConfigurationError, ModelUnreachableError
from lamas.llm.body_budget import count_body
from lamas.llm.settings import EndpointSettings

NO_KEY = "none"
"""Sent to endpoints that need no key: the client insists on some value."""
_SHOWN = 100
"""Characters of an address that are quoted in a complaint."""


def resolve_key(settings: EndpointSettings) -> str:
    """The API key of the server's own start or from the environment, or "" when there is none.

    Raises ModelUnreachableError when the named variable is not set.
    """
    if settings.api_key_env is None:
        return settings.api_key
    key = os.environ.get(settings.api_key_env, "").strip()
    if not key:
        raise ModelUnreachableError(
            f"{settings.base_url} needs a key, and the environment variable "
            f"{settings.api_key_env} is not set: export {settings.api_key_env}=… and start again"
        )
    return key


def build_client(
    settings: EndpointSettings, key: str, transport: httpx2.AsyncBaseTransport | None = None
) -> openai.AsyncOpenAI:
    """A client that never retries by itself, follows no redirect, reads no endless body, and tells
    nothing of other endpoints' accounts.

    `transport` takes its requests in place of the network. Raises ConfigurationError for an address
    that no request can be sent to.
    """
    try:
        httpx2.URL(settings.base_url)
    except httpx2.InvalidURL as error:
        shown = settings.base_url[:_SHOWN]
        raise ConfigurationError(
            f"llm.base_url={shown!r} is not a URL ({error}): write it as http://HOST:PORT/v1"
        ) from None
    timeout = openai.Timeout(
        settings.total_timeout_seconds, connect=settings.connect_timeout_seconds
    )
    client = openai.AsyncOpenAI(
        api_key=key or NO_KEY,
        base_url=settings.base_url,
        max_retries=0,
        timeout=timeout,
        # A packed body of a kilobyte may unpack to a megabyte.
        default_headers={"accept-encoding": "identity"},
        # A proxy of the environment cannot reach this machine's loopback.
        http_client=openai.DefaultAsyncHttpxClient(
            trust_env=not settings.is_loopback,
            transport=transport,
            # The prompt goes where it was sent, or nowhere.
            follow_redirects=False,
            event_hooks={"response": [count_body]},
        ),
    )
    host = urlsplit(settings.base_url).hostname or ""
    if host != "openai.com" and not host.endswith(".openai.com"):
        # Taken from OPENAI_ORG_ID and OPENAI_PROJECT_ID; nobody else's business.
        client.organization = client.project = None
    return client
