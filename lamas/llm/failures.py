"""Why an attempt failed, whether another may succeed, and when the server wants it."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx2
import openai

from lamas.domain.printable import printable
from lamas.errors import ModelError, ModelRequestError, ModelUnreachableError
from lamas.llm.answer_parts import (
    ErrorAnswerError,
    MalformedReplyError,
    StatedError,
    items,
    mapping,
    stated_error,
)
from lamas.llm.settings import RetryPolicy

_RETRYABLE = frozenset({408, 409, 425, 429})
_NEVER_RETRYABLE_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_REFUSING_KINDS = frozenset(
    {"invalid_request_error", "authentication_error", "permission_error", "not_found_error"}
)
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
    """Nobody was there to be asked, and nothing can have been paid."""
    status: int | None = None
    """HTTP status, if the endpoint answered with one."""
    parameter: str | None = None
    """The parameter of the request that the endpoint named as the fault."""
    retry_after_seconds: float | None = None
    """Shortest wait that the server asked for."""


def failure_of(error: Exception, *, secret: str, now: float) -> Failure:
    """Classify what an attempt raised; `now` is the wall-clock time in epoch seconds.

    429, 5xx, connection errors, timeouts and malformed bodies may succeed later; any other 4xx, a
    redirect and an exhausted quota cannot. An error with the status of a success is taken as what
    it says. Errors that no endpoint causes are raised again.
    """
    match error:
        case openai.APIStatusError():
            status = error.status_code
            stated = _stated(error)
            exhausted = not _NEVER_RETRYABLE_CODES.isdisjoint({stated.code, stated.kind})
            return Failure(
                reason=_reason(error, f"HTTP {status}: {_message(error, stated)}", secret),
                retryable=(status >= 500 or status in _RETRYABLE) and not exhausted,
                # llama.cpp while it starts: as good as not there yet.
                unreached=status == 503 and stated.message == "Loading model",
                status=status,
                parameter=_parameter(error.body),
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
            return _in_place_of_an_answer(ErrorAnswerError(_stated(error)), error.body, secret)
        case ErrorAnswerError():
            return _in_place_of_an_answer(error, None, secret)
        case httpx2.HTTPError():
            lost = f"the connection was lost in the answer ({type(error).__name__}: {error})"
            return Failure(reason=_reason(MalformedReplyError(), lost, secret), retryable=True)
        case MalformedReplyError() | ReplyTimeoutError():
            return Failure(reason=_reason(error, str(error), secret), retryable=True)
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


def _in_place_of_an_answer(error: ErrorAnswerError, body: object, secret: str) -> Failure:
    stated = error.stated
    words = {stated.code, stated.kind}
    status = stated.status
    refused = (
        words & _REFUSING_KINDS if status is None else status < 500 and status not in _RETRYABLE
    )
    return Failure(
        reason=_reason(error, str(error), secret),
        retryable=not refused and _NEVER_RETRYABLE_CODES.isdisjoint(words),
        status=status,
        parameter=_parameter(body),
    )


def _stated(error: openai.APIError) -> StatedError:
    return stated_error({"error": error.body}) or StatedError(message=error.message)


def _message(error: openai.APIStatusError, stated: StatedError) -> str:
    elsewhere = error.response.next_request
    if elsewhere is None:
        return stated.message
    # Neither a password nor a query, which may be a key, is repeated.
    address = f"{elsewhere.url.scheme}://{elsewhere.url.netloc.decode()}{elsewhere.url.path}"
    return (
        f"it sends on to {address}, and redirects are not followed, as the prompt would go with "
        "them: set llm.base_url to where the endpoint is"
    )


def _parameter(body: object) -> str | None:
    """The parameter that an error's body names: OpenAI's `param`, FastAPI's `loc`."""
    fields = mapping(body)
    named = fields.get("param")
    if isinstance(named, str) and named:
        return named
    for item in items(fields.get("detail")):
        places = [place for place in items(mapping(item).get("loc")) if isinstance(place, str)]
        if places:
            return places[-1]
    return None


def _reason(error: Exception, message: str, secret: str) -> str:
    if secret:
        message = message.replace(secret, "[key]")
    line = printable(" ".join(_KEY_LIKE.sub("[key]", message).split()))
    return f"{type(error).__name__}: {line}"[:_MAX_REASON_CHARACTERS]


def last_word(
    where: str,
    retry: RetryPolicy,
    failure: Failure,
    attempts: int,
    *,
    remedy: str | None = None,
    ended: str = "",
) -> ModelError | None:
    """The error that ends a call after `attempts` ≥ 1, or None when another attempt is due.

    `where` names model and endpoint, `remedy` says what to do about a refusal,
    `ended` why the endpoint does not come back.
    """
    if not failure.retryable:
        said = f"{where} refused a request: {failure.reason}"
        return ModelRequestError(said if remedy is None else f"{said} — {remedy}")
    if failure.unreached and ended:
        return ModelUnreachableError(f"{where} is gone: {ended}")
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
