"""How a call is made for a chain that others may make superfluous, and kept when they did."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from lamas.domain import ModelCall, digest
from lamas.errors import CallCancelledError
from lamas.llm.call_record import unsent
from lamas.llm.chat import ChatResult, Turn
from lamas.llm.kept_answers import KeptAnswers, given
from lamas.llm.store import replayed


async def in_turn(
    turn: Turn,
    asking: Callable[[], Awaitable[ChatResult]],
    *,
    kept: KeptAnswers,
    key: str,
    blank: ModelCall,
    attempts: list[ModelCall],
    now: Callable[[], float],
) -> ChatResult:
    """What is stored, or what `asking` gives once it is the call's turn.

    `attempts` is what `asking` has made so far, however it ends. Raises CallCancelledError when the
    turn is over. What was cancelled stays so when a stopped run goes on: it is kept under a key of
    the slot that asked, where nobody else looks.
    """
    cut = digest("cancelled", blank.call_id)
    before = kept.found(cut, "cancelled")
    if before is not None:
        raise _cancelled(replayed(before, blank))
    known = kept.found(key, "ok")
    if known is not None:
        return given(known, blank)
    try:
        await turn.ready()
        return await asking()
    except asyncio.CancelledError:
        if turn.over is None:
            raise
        if not attempts or attempts[-1].status != "cancelled":
            attempts.append(unsent(blank, len(attempts) + 1, turn.over, now()))
        kept.add(cut, attempts)
        raise _cancelled(attempts) from None


def _cancelled(attempts: Sequence[ModelCall]) -> CallCancelledError:
    error = CallCancelledError(f"call {attempts[-1].call_id}: {attempts[-1].error}")
    error.attempts = tuple(attempts)
    return error
