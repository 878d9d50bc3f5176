"""How an endpoint is addressed, bounded and asked again."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlsplit

from lamas.errors import ConfigurationError

MAX_CONCURRENCY = 1000
"""Connections that the HTTP client keeps open at most."""


OmittedParameter = Literal["seed", "temperature"]


def _nothing() -> Mapping[str, object]:
    return MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointSettings:
    """One model behind an OpenAI-compatible API."""

    base_url: str
    """Where `/chat/completions` lies, usually ending in `/v1`."""
    model: str
    api_key_env: str | None = None
    """Name of the environment variable that holds the key; None sends no usable key."""
    api_key: str = field(default="", repr=False)
    """Key of a server that the run itself started, for as long as it lives; never recorded."""
    identity: str = ""
    """What else determines an answer (weights file, simulated profile): part of every call's id."""
    concurrency: int = 32
    """Requests in flight at most."""
    stream: bool = True
    """False for endpoints that cannot stream; time to first chunk is then unknown."""
    counts_in_stream: bool = False
    """Ask llama.cpp to count tokens with every chunk, not with the last one alone."""
    annotate: bool = False
    """Send the labels as `x-lamas-<name>` headers, and the attempt as `x-lamas-attempt`."""
    connect_timeout_seconds: float = 10.0
    first_chunk_timeout_seconds: float = 60.0
    """From sending to the first text."""
    total_timeout_seconds: float = 180.0
    """From sending to the end of one attempt."""
    max_tokens_parameter: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """How the endpoint calls the limit on output tokens."""
    omit: tuple[OmittedParameter, ...] = ()
    """Parameters that the endpoint refuses: they are left out of every request."""
    extra_body: Mapping[str, object] = field(default_factory=_nothing)
    """Further JSON fields of every request (`top_p`, `chat_template_kwargs` …)."""

    def __post_init__(self) -> None:
        _check_url(self.base_url)
        if not self.model.strip():
            raise ConfigurationError("llm.model is empty: name the model that the endpoint serves")
        if not 1 <= self.concurrency <= MAX_CONCURRENCY:
            raise ConfigurationError(
                f"llm.concurrency={self.concurrency} must lie in 1..{MAX_CONCURRENCY}"
            )
        for name in (
            "connect_timeout_seconds",
            "first_chunk_timeout_seconds",
            "total_timeout_seconds",
        ):
            _check_positive(f"llm.{name}", float(getattr(self, name)))

    @property
    def is_loopback(self) -> bool:
        host = urlsplit(self.base_url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """When an attempt that may succeed later is repeated.

    Delays are exponential with full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS
    Architecture Blog, 2015); a server's Retry-After is a lower bound.
    """

    attempts: int = 6
    """Attempts of one call at most, the first included."""
    backoff_seconds: float = 0.5
    """Upper bound of the first delay; each further bound is twice the one before."""
    backoff_max_seconds: float = 30.0
    retry_after_max_seconds: float = 120.0
    """A server that asks for a longer wait than this is taken as unreachable."""
    outage_seconds: float = 120.0
    """How long an endpoint that takes no connection is waited for; such tries are no attempts."""

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ConfigurationError(f"llm.retry.attempts={self.attempts} must be ≥ 1")
        if not 0 <= self.outage_seconds < float("inf"):
            raise ConfigurationError(
                f"llm.retry.outage_seconds={self.outage_seconds} must be ≥ 0 seconds"
            )
        _check_positive("llm.retry.backoff_seconds", self.backoff_seconds)
        _check_positive("llm.retry.backoff_max_seconds", self.backoff_max_seconds)
        _check_positive("llm.retry.retry_after_max_seconds", self.retry_after_max_seconds)

    def delay_seconds(
        self, failed_attempts: int, jitter: float, retry_after_seconds: float | None = None
    ) -> float:
        """Wait before the next attempt, after `failed_attempts` ≥ 1; `jitter` lies in [0, 1)."""
        bound = self.backoff_seconds * 2.0 ** min(failed_attempts - 1, 60)
        if retry_after_seconds is None:
            return jitter * min(self.backoff_max_seconds, bound)
        # Calls told to wait equally long must not all come back in the same instant.
        return retry_after_seconds + jitter * min(self.backoff_max_seconds, self.backoff_seconds)


def _check_positive(name: str, value: float) -> None:
    if not 0 < value < float("inf"):
        raise ConfigurationError(f"{name}={value} must be a positive number of seconds")


def _check_url(base_url: str) -> None:
    try:
        parts = urlsplit(base_url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError(f"llm.base_url is not a URL: {error}") from None
    if parts.username or parts.password:
        raise ConfigurationError(
            f"llm.base_url for host {host} holds a user name or password: "
            "put the key into an environment variable and name it in llm.api_key_env"
        )
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigurationError(
            f"llm.base_url={base_url!r} must look like http://127.0.0.1:8000/v1 or https://HOST/v1"
        )
    if parts.query or parts.fragment:
        raise ConfigurationError(
            f"llm.base_url={base_url.split('?')[0].split('#')[0]!r} must end before its ? or #"
        )
