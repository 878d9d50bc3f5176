"""One request to an endpoint: within the caps, when there is a place for it, priced and timed."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack
from dataclasses import replace

import httpx2

from lamas.domain import Clock, ModelCall
from lamas.domain.printable import printable
from lamas.llm.body_budget import answer_characters
from lamas.llm.budget import Ledger
from lamas.llm.call_record import ended_call
from lamas.llm.chat import ChatRequest
from lamas.llm.client import build_client, resolve_key
from lamas.llm.exchange import ask_in_time
from lamas.llm.failures import Failure, failure_of
from lamas.llm.hedge import Sending
from lamas.llm.prices import Price
from lamas.llm.reply import Reply
from lamas.llm.settings import EndpointSettings
from lamas.llm.tokens import most_input_tokens
from lamas.llm.usage import TokenUsage

logger = logging.getLogger(__name__)

Admission = Callable[[], AbstractAsyncContextManager[None]]


class Sender:
    """Sends requests to one endpoint, as many at a time as its settings say.

    `ledgers` bound what they cost; `admission` is entered for each: it waits until the endpoint may
    be asked. `transport` takes them in place of the network.
    Raises ModelUnreachableError when the configured key is missing.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        *,
        price: Price,
        ledgers: Sequence[Ledger],
        clock: Clock,
        transport: httpx2.AsyncBaseTransport | None,
        admission: Admission,
    ) -> None:
        self._settings = settings
        self._price = price
        self._ledgers = ledgers
        self._clock = clock
        self._key = resolve_key(settings)
        self._client = build_client(settings, self._key, transport)
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._admission = admission
        self._asks_for_usage = True
        self._complained = False
        """Whether a count that cannot be was told of."""

    @property
    def where(self) -> str:
        """Model and address, for messages."""
        return f"{self._settings.model} at {self._settings.base_url}"

    async def aclose(self) -> None:
        """Close the connections; requests in flight fail."""
        await self._client.close()

    def blank_reply(self, request: ChatRequest) -> Reply:
        """What an answer to the request is read into."""
        return Reply(
            most_characters=answer_characters(request.max_tokens),
            one_of_many=self._settings.extra_body.get("n", 1) != 1,
        )

    async def send(
        self, request: ChatRequest, attempt: int, sending: Sending, *, new_call: bool
    ) -> None:
        """Send one request and keep what came of it in `sending`.

        Raises BudgetExceededError when the caps leave no room for it.
        """
        worst = self._price.cost_usd(most_input_tokens(request.messages), request.max_tokens)
        reply = sending.reply
        with ExitStack() as stack:
            reservations = [
                stack.enter_context(await ledger.reserve(worst, new_call=new_call))
                for ledger in self._ledgers
            ]
            async with self._slots, self._admission():
                if sending.rival is not None and sending.rival.answered:
                    return
                for reservation in reservations:
                    reservation.sent()
                sending.started_at = self._clock.now()
                sending.out.set()
                try:
                    await ask_in_time(
                        self._client,
                        self._settings,
                        request,
                        label=f"{attempt}{sending.mark}",
                        reply=reply,
                        seconds=lambda: self._clock.now() - sending.started_at,
                        asks_for_usage=self._asks_for_usage,
                    )
                    sending.answered = True
                except Exception as error:
                    sending.failure = self._failure(error)
                finally:
                    # Also when the run is cancelled: what arrived is paid.
                    usage = sending.usage(request.messages)
                    for reservation in reservations:
                        reservation.pay(self._cost_usd(usage))
                    sending.ended_at = self._clock.now()

    def record(self, blank: ModelCall, sending: Sending, error: str | None) -> ModelCall:
        """The record of the request, of which nothing but `blank` is known before."""
        usage = sending.usage(blank.request_messages)
        return ended_call(
            blank,
            sending.reply,
            usage,
            error=error,
            started_at=sending.started_at,
            ended_at=sending.ended_at,
            cost_usd=self._cost_usd(usage),
            key=self._key,
        )

    def complain(self, reply: Reply) -> None:
        """Tell once of counts that cannot be."""
        if reply.reported.impossible is not None and not self._complained:
            self._complained = True
            logger.warning(
                "%s reports %s, which no answer has: such counts are estimated from the text "
                "and marked usage_estimated",
                self.where,
                printable(reply.reported.impossible),
            )

    def _cost_usd(self, usage: TokenUsage) -> float:
        return self._price.cost_usd(usage.input, usage.output, usage.cached)

    def _failure(self, error: Exception) -> Failure:
        failure = failure_of(error, secret=self._key, now=time.time())
        if failure.status == 400 and "stream_options" in failure.reason and self._asks_for_usage:
            self._asks_for_usage = False
            return replace(failure, retryable=True)
        return failure
