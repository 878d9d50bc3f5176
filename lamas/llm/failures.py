"""Why an attempt failed, whether another may succeed, and when the server wants it."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import cast

import httpx2
import openai

from lamas.errors import ModelError, ModelRequestError, ModelUnreachableError
from lamas.llm.reply import MalformedReplyError
from lamas.llm.settings import RetryPolicy

_RETRYABLE_STATUS = frozenset({408, 409, 425, 429})
_NEVER_RETRYABLE_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_KEY_LIKE = re.compile(r"\b(?:sk|pk|key|Bearer)[-_ ][A-Za-z0-9_\-*.]{6,}")
_MAX_REASON_CHARACTERS = 300
_SHORTEST_KEY = 8
"""A shorter one is a placeholder, and may well be a word of an answer."""


class ReplyTimeoutError(Exception):
    """An attempt was cut because a time limit ran out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """One failed attempt."""

    reason: str
    """Error class and message in one line, without keys."""
    retryable: bool
    unreached: bool = False
    """No connection came about: nothing was asked, and nothing can have been paid."""
    status: int | None = None
    """HTTP status, if the endpoint answered with one."""
    retry_after_seconds: float | None = None
    """Shortest wait that the server asked for."""


def failure_of(error: Exception, *, secret: str, now: float) -> Failure:
    """Classify what an attempt raised; `now` is the wall-clock time in epoch seconds.

    429, 5xx, connection errors, timeouts and malformed bodies may succeed later; any other 4xx
    and an exhausted quota cannot. Errors that no endpoint causes are raised again.
    """
    match error:
        case openai.APIStatusError():
            status = error.status_code
            exhausted = error.code in _NEVER_RETRYABLE_CODES or error.type in _NEVER_RETRYABLE_CODES
            return Failure(
                reason=_reason(error, f"HTTP {status}: {_message(error)}", secret),
                retryable=(status >= 500 or status in _RETRYABLE_STATUS) and not exhausted,
                status=status,
                retry_after_seconds=retry_after_seconds(error.response.headers, now=now),
            )
        case openai.APIConnectionError():
            cause = error.__cause__
            detail = f"{error.message} {cause or ''}".strip()
            return Failure(
                reason=_reason(error, detail, secret),
                retryable=True,
                unreached=isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout),
            )
        case openai.APIError():
            # An error event inside a stream: the HTTP status was 200 long ago.
            refused = (error.code or "").startswith("4") and error.code != "429"
            return Failure(
                reason=_reason(error, _message(error), secret),
                retryable=not refused and error.code not in _NEVER_RETRYABLE_CODES,
            )
        case MalformedReplyError() | ReplyTimeoutError():
            return Failure(reason=_reason(error, str(error), secret), retryable=True)
        case json.JSONDecodeError() | UnicodeDecodeError():
            malformed = MalformedReplyError(f"the body is no JSON ({error})")
            return Failure(reason=_reason(malformed, str(malformed), secret), retryable=True)
        case _:
            raise error


def without_key(text: str, key: str) -> str:
    """What an endpoint sent, without the key in case it echoes its request."""
    return text.replace(key, "[key]") if len(key) >= _SHORTEST_KEY else text


def retry_after_seconds(headers: Mapping[str, str], *, now: float) -> float | None:
    """Seconds to wait by `retry-after-ms` or `retry-after` (seconds or HTTP date), if given."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    given = headers.get("retry-after")
    seconds = _number(given)
    if seconds is not None or given is None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(given).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _message(error: openai.APIError) -> str:
    body = error.body
    if isinstance(body, dict):
        message = cast("Mapping[str, object]", body).get("message")
        if isinstance(message, str):
            return message
    return body if isinstance(body, str) and body else error.message


def _reason(error: Exception, message: str, secret: str) -> str:
    if secret:
        message = message.replace(secret, "[key]")
    line = " ".join(_KEY_LIKE.sub("[key]", message).split())
    return f"{type(error).__name__}: {line}"[:_MAX_REASON_CHARACTERS]


def last_word(where: str, retry: RetryPolicy, failure: Failure, attempts: int) -> ModelError | None:
    """The error that ends a call after `attempts` ≥ 1, or None when another attempt is due.

    `where` names model and endpoint.
    """
    if not failure.retryable:
        return ModelRequestError(f"{where} refused a request: {failure.reason}")
    if failure.unreached:
        return ModelUnreachableError(
            f"{where} could not be reached for {retry.outage_seconds:g} s "
            f"(llm.retry.outage_seconds): {failure.reason}"
        )
    wait = failure.retry_after_seconds or 0.0
    if wait > retry.retry_after_max_seconds:
        return ModelUnreachableError(
            f"{where} asks to wait {wait:.0f} s, more than llm.retry.retry_after_max_seconds="
            f"{retry.retry_after_max_seconds:g}: {failure.reason}"
        )
    if attempts >= retry.attempts:
        return ModelUnreachableError(
            f"{where} gave no usable answer in {attempts} attempts "
            f"(llm.retry.attempts), the last one ended with {failure.reason}"
        )
    return None
