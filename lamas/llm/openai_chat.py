"""Chat completions over HTTP: bounded, timed, retried, priced, recorded and never paid twice."""

import asyncio
import random
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from types import TracebackType

import httpx2

from lamas.domain import Clock, ModelCall, digest
from lamas.errors import BudgetExceededError
from lamas.llm.budget import Budget, Ledger
from lamas.llm.call_record import blank_call, sample
from lamas.llm.chat import ChatRequest, ChatResult
from lamas.llm.failures import Failure, last_word
from lamas.llm.hedge import HedgePolicy, HedgeTimes, Sending, first_answer, with_hedge
from lamas.llm.in_turn import in_turn
from lamas.llm.kept_answers import KeptAnswers, given
from lamas.llm.outage import Outage
from lamas.llm.prices import Price, PriceList
from lamas.llm.refused_parameter import parameter_remedy
from lamas.llm.sender import Admission, Sender
from lamas.llm.settings import EndpointSettings, RetryPolicy
from lamas.llm.store import ResponseStore


class OpenAIChatModel:
    """A model behind an OpenAI-compatible endpoint, for one event loop.

    `price=None` looks the model up in the published price list (ConfigurationError when it is not
    there). With a `reuse_scope`, stored responses are found by that scope, model, messages,
    parameters and seed alone; otherwise the sample key counts too, so that only a resumed run finds
    them. `transport` takes the requests in place of the network.
    Raises ModelUnreachableError when the configured key is missing.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        *,
        price: Price | None = None,
        budget: Budget | Ledger | None = None,
        together: Ledger | None = None,
        retry: RetryPolicy | None = None,
        store: ResponseStore | None = None,
        reuse_scope: str | None = None,
        clock: Clock | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        admission: Admission = nullcontext,
        ended: Callable[[], str] = str,
        hedge: HedgePolicy | None = None,
    ) -> None:
        """`admission` is entered for every attempt: it waits until the endpoint may be asked.

        `ended` says why an endpoint that takes no connection never will again; "" while it may.
        `together` bounds what several models spend, each within its own `budget`.
        `hedge`: when a slow call is sent a second time; None: never.
        """
        self.settings = settings
        self.price = price or PriceList.published().price(settings.model)
        self.ledger = budget if isinstance(budget, Ledger) else Ledger(budget or Budget())
        """What this model's calls have cost so far; replayed ones cost nothing."""
        self._retry = retry or RetryPolicy()
        self._ended = ended
        self._hedge = None if hedge is None else HedgeTimes(hedge)
        self._reuse_scope = reuse_scope
        self._clock = clock or Clock()
        self._sender = Sender(
            settings,
            price=self.price,
            ledgers=(self.ledger,) if together is None else (self.ledger, together),
            clock=self._clock,
            transport=transport,
            admission=admission,
        )
        self._where = self._sender.where
        self._outage = Outage(self._retry, self._where, ended)
        self._kept = KeptAnswers(store, self._where)

    async def __aenter__(self) -> "OpenAIChatModel":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; requests in flight fail."""
        await self._sender.aclose()

    def call_id(self, request: ChatRequest) -> str:
        """Digest of everything that determines the sample, the slot that asks included."""
        return digest(sample(self.settings, request), request.sample_key)

    async def complete(self, request: ChatRequest) -> ChatResult:
        """Answer one request from the store or the endpoint (see `ChatModel.complete`)."""
        blank = blank_call(self.settings, request, self.call_id(request))
        key = self._key_of(request, blank)
        attempts: list[ModelCall] = []
        asking = partial(self._stored_or_asked, request, blank, key, attempts)
        if request.turn is None:
            return await asking()
        return await in_turn(
            request.turn,
            asking,
            kept=self._kept,
            key=key,
            blank=blank,
            attempts=attempts,
            now=self._clock.now,
        )

    async def _stored_or_asked(
        self, request: ChatRequest, blank: ModelCall, key: str, attempts: list[ModelCall]
    ) -> ChatResult:
        async with self._kept.alone_with(key, shared=self._reuse_scope is not None):
            known = self._kept.found(key, "ok")
            if known is not None:
                return given(known, blank)
            # What cannot be kept is not paid for: it would be once more after a restart.
            self._kept.store_all()
            return await self._ask(request, blank, key, attempts)

    def _key_of(self, request: ChatRequest, blank: ModelCall) -> str:
        if self._reuse_scope is None:
            return blank.call_id
        scope = [self._reuse_scope] if self._reuse_scope else []
        return digest(sample(self.settings, request), *scope)

    async def _ask(
        self, request: ChatRequest, blank: ModelCall, key: str, attempts: list[ModelCall]
    ) -> ChatResult:
        """`attempts` is filled with what is made, however this ends."""
        # Not the global generator: how often an endpoint fails must not shift anybody's samples.
        jitter = random.Random(blank.call_id)
        tries = 0
        """Without a connection, since there was one."""
        while True:
            number = len(attempts) + 1
            again = bool(attempts) or tries > 0
            try:
                call, failure = await self._attempt(
                    request, replace(blank, attempt=number), attempts, new_call=not again
                )
            except BudgetExceededError as error:
                error.attempts = tuple(attempts)
                raise
            if failure is not None and failure.unreached:
                self._outage.gone(failure.reason)
                if self._outage.left_seconds() > 0.0:
                    tries += 1
                    await self._outage.pause(tries, jitter.random)
                    continue
            else:
                self._outage.reached()
                tries = 0
            attempts.append(call)
            if failure is None:
                self._kept.add(key, attempts)
                return ChatResult(text=call.response_text or "", attempts=tuple(attempts))
            remedy = parameter_remedy(self.settings, failure)
            stop = last_word(
                self._where, self._retry, failure, number, remedy=remedy, ended=self._ended()
            )
            if stop is not None:
                stop.attempts = tuple(attempts)
                raise stop
            await asyncio.sleep(
                self._retry.delay_seconds(number, jitter.random(), failure.retry_after_seconds)
            )

    async def _attempt(
        self,
        request: ChatRequest,
        blank: ModelCall,
        attempts: list[ModelCall],
        *,
        new_call: bool,
    ) -> tuple[ModelCall, Failure | None]:
        first = Sending(self._sender.blank_reply(request))
        second = Sending(self._sender.blank_reply(request), mark="b", rival=first)

        async def send(sending: Sending) -> None:
            counts = new_call or sending is second
            await self._sender.send(request, blank.attempt, sending, new_call=counts)

        operator = request.labels.get("operator", "")
        after = None if self._hedge is None else self._hedge.after(operator)
        try:
            if after is None:
                await send(first)
            else:
                await first_answer(send, first, second, after)
        except asyncio.CancelledError:
            if request.over is not None and first.out.is_set():
                call = self._call_of(blank, first, second, request.over)
                attempts.append(replace(call, status="cancelled"))
            raise
        kept, other = (second, first) if second.answered else (first, second)
        reason = None if kept.failure is None else kept.failure.reason
        call = self._call_of(blank, kept, other, reason)
        if self._hedge is not None and kept.answered:
            self._hedge.add(operator, call.seconds)
        self._sender.complain(kept.reply)
        return call, kept.failure

    def _call_of(
        self, blank: ModelCall, kept: Sending, other: Sending, error: str | None
    ) -> ModelCall:
        """The record of an attempt that is the request `kept`; `other` if it was sent too."""
        call = self._sender.record(blank, kept, error)
        if not other.out.is_set():
            return call
        return with_hedge(call, kept, other, self._sender.record(blank, other, "lost"))
