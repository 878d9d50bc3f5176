"""Why a call ends without an answer, in one sentence; or that another attempt is due."""

from lamas.errors import ModelError, ModelRequestError, ModelUnreachableError
from lamas.llm.failures import Failure
from lamas.llm.settings import RetryPolicy


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
