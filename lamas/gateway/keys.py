"""Who may ask: bearer tokens, compared in constant time, each with its limits."""

import hashlib
import hmac
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from lamas.domain.judged import JUDGE
from lamas.errors import ConfigurationError
from lamas.gateway.refusal import RefusedError

LOCAL = "local"
"""Whoever asks a gateway without keys."""
SHORTEST_TOKEN = 16
LONGEST_TOKEN = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """Somebody who may ask, and how much."""

    name: str
    requests_per_minute: float = math.inf
    usd_per_day: float = math.inf
    """In a day of UTC."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A client and the digest of its token."""

    client: Client
    digest: bytes = field(repr=False)


class Keys:
    """The tokens a gateway knows; without any, everybody who reaches it may ask."""

    def __init__(self, keys: Sequence[Key], *, anybody: Client | None = None) -> None:
        """`anybody`: whose limits hold without keys."""
        self._keys = tuple(keys)
        self._anybody = anybody or Client(name=LOCAL)

    def __bool__(self) -> bool:
        return bool(self._keys)

    @property
    def clients(self) -> tuple[Client, ...]:
        """All who may ask."""
        return tuple(key.client for key in self._keys) or (self._anybody,)

    def client(self, authorization: str | None) -> Client:
        """Whose the header is; RefusedError (401) when it is nobody's."""
        if not self._keys:
            return self._anybody
        kind, _, token = (authorization or "").partition(" ")
        given = _digest(token.strip()) if kind.lower() == "bearer" else b""
        found: Client | None = None
        # Every key is compared, whichever one fits: how long it takes says nothing.
        for key in self._keys:
            if hmac.compare_digest(key.digest, given):
                found = key.client
        if found is None:
            raise RefusedError(
                "no valid API key came with the request: send Authorization: Bearer KEY",
                status=401,
                kind="authentication_error",
                code="invalid_api_key",
            )
        return found


def keys_of(text: str, source: str, *, default: Client) -> tuple[Key, ...]:
    """Keys from lines `NAME TOKEN [requests_per_minute=60] [usd_per_day=5]`; `#` begins a remark.

    `default` gives the limits that a line does not. Raises ConfigurationError, which names `source`
    and the line but never a token.
    """
    keys: list[Key] = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        where = f"line {number} of {source}"
        if len(words) < 2:
            raise ConfigurationError(f"{where} holds no NAME and TOKEN: write both, or delete it")
        name, token = words[:2]
        if name.startswith(JUDGE):
            raise ConfigurationError(
                f"{where}: names that begin with {JUDGE} are those of judges: give the key another"
            )
        if any(key.client.name == name for key in keys):
            raise ConfigurationError(f"{where}: the name {name} is there twice: give each its own")
        if not SHORTEST_TOKEN <= len(token) <= LONGEST_TOKEN or not token.isascii():
            raise ConfigurationError(
                f"{where}: the token of {name} must have {SHORTEST_TOKEN} to {LONGEST_TOKEN} ASCII "
                "characters: take a random one"
            )
        limits = {
            "requests_per_minute": default.requests_per_minute,
            "usd_per_day": default.usd_per_day,
        }
        for word in words[2:]:
            limit, _, value = word.partition("=")
            if limit not in limits:
                raise ConfigurationError(
                    f"{where}: {limit[:40]!r} is no limit; known: {', '.join(limits)}"
                )
            limits[limit] = _positive(value, f"{where}: {limit}")
        client = Client(name=name, **limits)
        keys.append(Key(client=client, digest=_digest(token)))
    return tuple(keys)


def _positive(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise ConfigurationError(f"{where}={text[:40]!r} must be a number > 0")
    return value


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
