"""A second, equal request for a call that is slow: when it is sent, and whose answer counts.

J. Dean and L. A. Barroso, "The Tail at Scale", Communications of the ACM 56 (2), 2013.
"""

import asyncio
import math
from bisect import insort
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from lamas.domain import ChatMessage, ModelCall
from lamas.errors import BudgetExceededError, ConfigurationError
from lamas.llm.failures import Failure
from lamas.llm.reply import Reply
from lamas.llm.tokens import estimate_input_tokens
from lamas.llm.usage import TokenUsage


@dataclass(frozen=True, kw_only=True, slots=True)
class HedgePolicy:
    """Raises ConfigurationError for values out of range."""

    quantile: float
    """Share of an operator's calls that end before another would get a second request."""
    calls: int = 20
    """Answers of an operator that are waited for before any of its calls is hedged."""

    def __post_init__(self) -> None:
        if not 0.0 < self.quantile < 1.0:
            raise ConfigurationError(f"llm.hedge.quantile={self.quantile} must be in (0, 1)")
        if self.calls < 1:
            raise ConfigurationError(f"llm.hedge.calls={self.calls} must be ≥ 1")


class HedgeTimes:
    """How long the calls of each operator took so far, in this process."""

    def __init__(self, policy: HedgePolicy) -> None:
        self._policy = policy
        self._seconds: defaultdict[str, list[float]] = defaultdict(list)

    def after(self, operator: str) -> float | None:
        """Seconds after which a call is slow: the nearest rank; None while too few ended."""
        known = self._seconds[operator]
        if len(known) < self._policy.calls:
            return None
        return known[math.ceil(self._policy.quantile * len(known)) - 1]

    def add(self, operator: str, seconds: float) -> None:
        """A call was answered after so many."""
        insort(self._seconds[operator], seconds)


@dataclass(slots=True)
class Sending:
    """One request on its way, and what came of it so far."""

    reply: Reply
    mark: str = ""
    """Behind the number of the attempt in its label: what tells a second request apart."""
    rival: "Sending | None" = None
    """Not sent any more once this one has its answer."""
    out: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it goes out, after its waiting for a place."""
    started_at: float = 0.0
    ended_at: float = 0.0
    answered: bool = False
    failure: Failure | None = None
    given_up: bool = False
    """Cancelled on its way, because the other one had its answer."""

    def usage(self, messages: Sequence[ChatMessage]) -> TokenUsage:
        """Tokens it used; of one that was given up the prompt is taken to have been read."""
        used = self.reply.usage(messages)
        if self.given_up and not used.input:
            return replace(used, input=estimate_input_tokens(messages), estimated=True)
        return used


async def first_answer(
    send: Callable[[Sending], Awaitable[None]], first: Sending, second: Sending, after: float
) -> None:
    """Send `first`, and `second` too when it has no end `after` seconds; return at an answer.

    The other is cancelled. When one fails the other is waited for. A second that the caps do
    not allow is not sent; what `send` raises of the first is raised where none answers.
    """
    tasks = [asyncio.ensure_future(send(first))]
    try:
        gone = asyncio.ensure_future(first.out.wait())
        try:
            await asyncio.wait((tasks[0], gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
        await asyncio.wait(tasks, timeout=after)
        if not tasks[0].done():
            tasks.append(asyncio.ensure_future(send(second)))
        while not (first.answered or second.answered) and not all(task.done() for task in tasks):
            waiting = [task for task in tasks if not task.done()]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        loser = first if second.answered else second
        loser.given_up = (
            first.answered != second.answered and loser.out.is_set() and loser.failure is None
        )
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if not (first.answered or second.answered):
        _raise_of(tasks)


def _raise_of(tasks: Sequence[asyncio.Future[None]]) -> None:
    tasks[0].result()
    for task in tasks[1:]:
        with suppress(BudgetExceededError):
            task.result()


def with_hedge(call: ModelCall, kept: Sending, other: Sending, lost: ModelCall) -> ModelCall:
    """`call`, the record of the request that is `kept`, with what the `other` one came to.

    `lost` is the record of the other one. What was waited for began with the first of the two.
    """
    first = call.time_to_first_chunk_seconds
    began = min(kept.started_at, other.started_at)
    return replace(
        call,
        started_at=began,
        time_to_first_chunk_seconds=None if first is None else first + kept.started_at - began,
        cost_usd=call.cost_usd + lost.cost_usd,
        hedge="second" if kept.mark else "first",
        hedge_input_tokens=lost.usage_input_tokens,
        hedge_output_tokens=lost.usage_output_tokens,
        hedge_cost_usd=lost.cost_usd,
    )
