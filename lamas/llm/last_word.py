"""Why a call ends without an answer, in one sentence; or that another attempt is due."""

from lamas.errors import ModelError, ModelRequestError, ModelUnreachableError
from lamas.llm.failures import Failure
from lamas.llm.settings import RetryPolicy


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
