"""Chat completions over HTTP: bounded, timed, retried, priced, recorded and never paid twice."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import replace
from types import TracebackType
from urllib.parse import quote
from weakref import WeakValueDictionary

import httpx2
import openai
from openai.types.chat import (
    ChatCompletionAssistantMessageParam,
    ChatCompletionChunk,
    ChatCompletionMessageParam,
    ChatCompletionSystemMessageParam,
    ChatCompletionUserMessageParam,
)

from lamas.domain import ChatMessage, Clock, ModelCall, digest
from lamas.errors import (
    BudgetExceededError,
    UnwritableError,
)
from lamas.llm.budget import Budget, Ledger
from lamas.llm.chat import ChatRequest, ChatResult
from lamas.llm.client import build_client, resolve_key
from lamas.llm.failures import Failure, ReplyTimeoutError, failure_of, last_word, without_key
from lamas.llm.outage import Outage
from lamas.llm.prices import Price, PriceList
from lamas.llm.reply import Reply
from lamas.llm.settings import EndpointSettings, RetryPolicy
from lamas.llm.store import ResponseStore, replayed
from lamas.llm.tokens import most_input_tokens

Admission = Callable[[], AbstractAsyncContextManager[None]]


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
        budget: Budget | None = None,
        retry: RetryPolicy | None = None,
        store: ResponseStore | None = None,
        reuse_scope: str | None = None,
        clock: Clock | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        admission: Admission = nullcontext,
    ) -> None:
        """`admission` is entered for every attempt: it waits until the endpoint may be asked."""
        self.settings = settings
        self.price = price or PriceList.published().price(settings.model)
        self.ledger = Ledger(budget or Budget())
        """What this model's calls have cost so far; replayed ones cost nothing."""
        self._retry = retry or RetryPolicy()
        self._outage = Outage(self._retry, self._where)
        self._store = store
        self._unstored: list[tuple[str, tuple[ModelCall, ...]]] = []
        """Paid answers, by key, that the store has not taken yet."""
        self._reuse_scope = reuse_scope
        self._clock = clock or Clock()
        self._key = resolve_key(settings)
        self._client = build_client(settings, self._key, transport)
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._admission = admission
        self._asks_for_usage = True
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """What is asked for at the moment, where answers are reused."""

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
        await self._client.close()

    @property
    def _where(self) -> str:
        return f"{self.settings.model} at {self.settings.base_url}"

    def call_id(self, request: ChatRequest) -> str:
        """Digest of everything that determines the sample, the slot that asks included."""
        return digest(self._sample(request), request.sample_key)

    async def complete(self, request: ChatRequest) -> ChatResult:
        """Answer one request from the store or the endpoint (see `ChatModel.complete`)."""
        blank = self._blank(request)
        key = self._key_of(request, blank)
        async with self._alone_with(key):
            recorded = self._store.get(key) if self._store is not None else None
            if recorded is not None:
                return ChatResult(
                    text=recorded[-1].response_text or "", attempts=replayed(recorded, blank)
                )
            # What cannot be kept is not paid for: it would be once more after a restart.
            self._keep_paid()
            return await self._ask(request, blank, key)

    def _keep_paid(self) -> None:
        """Store the answers that are not stored; UnwritableError while that fails."""
        while self._store is not None and self._unstored:
            self._store.put(*self._unstored[0])
            del self._unstored[0]

    def _key_of(self, request: ChatRequest, blank: ModelCall) -> str:
        if self._reuse_scope is None:
            return blank.call_id
        scope = [self._reuse_scope] if self._reuse_scope else []
        return digest(self._sample(request), *scope)

    @asynccontextmanager
    async def _alone_with(self, key: str) -> AsyncGenerator[None, None]:
        """One at a time asks for what others may reuse: who comes second finds it stored."""
        if self._reuse_scope is None:
            yield
            return
        lock = self._asking.setdefault(key, asyncio.Lock())
        async with lock:
            yield

    async def _ask(self, request: ChatRequest, blank: ModelCall, key: str) -> ChatResult:
        attempts: list[ModelCall] = []
        # Not the global generator: how often an endpoint fails must not shift anybody's samples.
        jitter = random.Random(blank.call_id)
        tries = 0
        """Without a connection, since there was one."""
        while True:
            number = len(attempts) + 1
            again = bool(attempts) or tries > 0
            try:
                call, failure = await self._attempt(
                    request, replace(blank, attempt=number), new_call=not again
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
                if self._store is not None:
                    self._unstored.append((key, tuple(attempts)))
                    # The answer is there and paid: it is used, and the next call will complain.
                    with suppress(UnwritableError):
                        self._keep_paid()
                return ChatResult(text=call.response_text or "", attempts=tuple(attempts))
            stop = last_word(self._where, self._retry, failure, number)
            if stop is not None:
                stop.attempts = tuple(attempts)
                raise stop
            await asyncio.sleep(
                self._retry.delay_seconds(number, jitter.random(), failure.retry_after_seconds)
            )

    async def _attempt(
        self, request: ChatRequest, blank: ModelCall, *, new_call: bool
    ) -> tuple[ModelCall, Failure | None]:
        worst = self.price.cost_usd(most_input_tokens(request.messages), request.max_tokens)
        reservation = await self.ledger.reserve(worst, new_call=new_call)
        with reservation:
            async with self._slots, self._admission():
                reservation.sent()
                reply, failure = Reply(), None
                started = self._clock.now()
                try:
                    await self._exchange(request, blank.attempt, reply, started)
                except Exception as error:
                    failure = self._failure(error)
                finally:
                    # Also when the run is cancelled: what arrived is paid.
                    reservation.pay(self.price.cost_usd(*reply.usage(request.messages)[:2]))
                ended = self._clock.now()
        return self._record(blank, reply, failure, started, ended), failure

    async def _exchange(
        self, request: ChatRequest, attempt: int, reply: Reply, started: float
    ) -> None:
        settings = self.settings
        total = settings.total_timeout_seconds
        first = min(settings.first_chunk_timeout_seconds, total) if settings.stream else total
        begun = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(begun + first) as deadline:
                if not settings.stream:
                    reply.add_completion(await self._post(request, attempt))
                    return
                async with await self._post_stream(request, attempt) as stream:
                    if "json" in stream.response.headers.get("content-type", ""):
                        # The endpoint does not stream, whatever it was asked.
                        reply.add_body(await stream.response.aread())
                        return
                    async for chunk in stream:
                        if reply.add_chunk(chunk) and reply.first_chunk_seconds is None:
                            reply.first_chunk_seconds = self._clock.now() - started
                            deadline.reschedule(begun + total)
        except TimeoutError:
            limit, what = (total, "end") if reply.text else (first, "text")
            raise ReplyTimeoutError(f"no {what} of the answer within {limit:g} s") from None
        reply.check_complete()

    async def _post(self, request: ChatRequest, attempt: int) -> object:
        # The client's own route for bodies it need not build or check: half the CPU of `create`,
        # which counts where an endpoint answers at once. `Reply` checks what comes back.
        return await self._client.post(
            "/chat/completions",
            cast_to=object,
            body={
                "model": self.settings.model,
                "messages": [
                    {"role": message.role, "content": message.content}
                    for message in request.messages
                ],
                "temperature": request.temperature,
                "seed": request.seed,
                **self._extra_body(request),
            },
            options={"headers": self._headers(request, attempt)},
        )

    async def _post_stream(
        self, request: ChatRequest, attempt: int
    ) -> openai.AsyncStream[ChatCompletionChunk]:
        return await self._client.chat.completions.create(
            model=self.settings.model,
            messages=[_message(message) for message in request.messages],
            temperature=request.temperature,
            seed=request.seed,
            stream=True,
            stream_options={"include_usage": True} if self._asks_for_usage else openai.omit,
            extra_body=self._extra_body(request),
            extra_headers=self._headers(request, attempt),
        )

    def _extra_body(self, request: ChatRequest) -> dict[str, object]:
        limit = {self.settings.max_tokens_parameter: request.max_tokens}
        return {**limit, **self.settings.extra_body}

    def _headers(self, request: ChatRequest, attempt: int) -> dict[str, str]:
        if not self.settings.annotate:
            return {}
        labels: Mapping[str, str] = {**request.labels, "attempt": str(attempt)}
        return {f"x-lamas-{name}": _header_value(value) for name, value in labels.items()}

    def _failure(self, error: Exception) -> Failure:
        failure = failure_of(error, secret=self._key, now=time.time())
        if failure.status == 400 and "stream_options" in failure.reason and self._asks_for_usage:
            self._asks_for_usage = False
            return replace(failure, retryable=True)
        return failure

    def _sample(self, request: ChatRequest) -> list[object]:
        return [
            self.settings.model,
            self.settings.identity,
            [[message.role, message.content] for message in request.messages],
            float(request.temperature),
            request.max_tokens,
            dict(self.settings.extra_body),
            request.seed,
        ]

    def _blank(self, request: ChatRequest) -> ModelCall:
        return ModelCall(
            call_id=self.call_id(request),
            attempt=1,
            request_model=self.settings.model,
            request_temperature=request.temperature,
            request_max_tokens=request.max_tokens,
            request_seed=request.seed,
            request_messages=request.messages,
            started_at=0.0,
            ended_at=0.0,
            status="error",
        )

    def _record(
        self,
        blank: ModelCall,
        reply: Reply,
        failure: Failure | None,
        started: float,
        ended: float,
    ) -> ModelCall:
        input_tokens, output_tokens, estimated = reply.usage(blank.request_messages)
        return replace(
            blank,
            response_id=reply.response_id and without_key(reply.response_id, self._key),
            response_model=reply.response_model and without_key(reply.response_model, self._key),
            response_text=without_key(reply.text, self._key)
            if failure is None or reply.text
            else None,
            response_finish_reasons=tuple(
                without_key(reason, self._key) for reason in reply.finish_reasons
            ),
            usage_input_tokens=input_tokens,
            usage_output_tokens=output_tokens,
            usage_estimated=estimated,
            started_at=started,
            ended_at=ended,
            time_to_first_chunk_seconds=reply.first_chunk_seconds,
            cost_usd=self.price.cost_usd(input_tokens, output_tokens),
            status="ok" if failure is None else "error",
            error=None if failure is None else failure.reason,
        )


def _message(message: ChatMessage) -> ChatCompletionMessageParam:
    match message.role:
        case "system":
            return ChatCompletionSystemMessageParam(role="system", content=message.content)
        case "user":
            return ChatCompletionUserMessageParam(role="user", content=message.content)
        case "assistant":
            return ChatCompletionAssistantMessageParam(role="assistant", content=message.content)


def _header_value(value: str) -> str:
    # Percent signs only where they are needed: most labels arrive as they are.
    return value if value.isascii() and value.isprintable() else quote(value, safe=" /:.,-_")
