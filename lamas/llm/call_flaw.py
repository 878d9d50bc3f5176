"""What a record of a model call must be to be kept: the one check, on its way in and out."""

import math
from collections.abc import Sequence

from lamas.domain import ModelCall
from lamas.domain.hygiene import well_formed
from lamas.llm.answer_parts import FAILED_FINISHES
from lamas.llm.usage import MOST_TOKENS

LONGEST_TEXT = 1 << 26
"""Characters of one text of a record."""

MOST_USD = 1e9
"""Of one attempt: as many tokens as there may be, at a dollar each."""


def call_flaw(call: ModelCall) -> str | None:
    """Why the record can be no record of a call; None for one that can."""
    for name, count in (
        ("usage_input_tokens", call.usage_input_tokens),
        ("usage_output_tokens", call.usage_output_tokens),
        ("usage_cached_tokens", call.usage_cached_tokens),
    ):
        if not 0 <= count <= MOST_TOKENS:
            return f"{name}={str(count)[:40]} is no number of tokens of one call"
    if not 0 <= call.cost_usd <= MOST_USD:
        return f"cost_usd={call.cost_usd} is no cost of one call"
    if call.attempt < 1:
        return f"attempt={call.attempt} must be ≥ 1"
    if not (math.isfinite(call.started_at) and math.isfinite(call.ended_at)):
        return f"started_at={call.started_at}, ended_at={call.ended_at} are no times"
    for text in (
        call.response_text,
        call.response_id,
        call.response_model,
        call.error,
        *call.response_finish_reasons,
    ):
        if text is not None and (len(text) > LONGEST_TEXT or well_formed(text) != text):
            return "a text of it is too long, or holds a character that cannot be kept"
    reasons = {reason.lower() for reason in call.response_finish_reasons}
    if call.status == "ok" and reasons & FAILED_FINISHES:
        return f"its finish_reason {min(reasons)!r} is an error's, and it stands as an answer"
    return None


def answer_flaw(attempts: Sequence[ModelCall]) -> str | None:
    """Why the attempts can be no call that ended or was cancelled; None for those that can."""
    if not attempts:
        return "it holds no attempt"
    if attempts[-1].status == "error":
        return "its last attempt failed"
    return next((flaw for call in attempts if (flaw := call_flaw(call)) is not None), None)
