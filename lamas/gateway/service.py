"""What a request goes through: checked, decided, run, put on record, and only then answered."""

import asyncio
import secrets
import time

from lamas.domain.served import LEFT_EARLY, Feedback
from lamas.errors import BudgetExceededError, WarehouseError
from lamas.execution import Execution, GraphExecutor
from lamas.execution.runner import assembled
from lamas.gateway.bodies import ChatBody, FeedbackBody
from lamas.gateway.conversation import Conversation, InConversation, Sampling
from lamas.gateway.deciding import Champion, Decided, Decider
from lamas.gateway.entry import Entry, packed
from lamas.gateway.keys import Client
from lamas.gateway.kitchen import Deployed, Kitchen, Record
from lamas.gateway.limits import Allowances, Places
from lamas.gateway.names import Asked
from lamas.gateway.plain import PlainModel, asked_plainly, plain_plan
from lamas.gateway.refusal import RefusedError
from lamas.gateway.replies import Reply
from lamas.gateway.taken import Taken, taken
from lamas.gateway.traffic import Traffic
from lamas.gateway.trials import decides, trial_of
from lamas.operators.settings import CallSettings

NO_CONVERSATION = Conversation(instructions="", earlier=(), question="", length=0)


class Service:
    """Answers requests, whoever carries them."""

    def __init__(
        self,
        kitchen: Kitchen,
        *,
        decider: Decider,
        deployed: Deployed,
        record: Record,
        places: Places,
        allowances: Allowances,
        traffic: Traffic,
    ) -> None:
        self.kitchen = kitchen
        self.places = places
        self.allowances = allowances
        self.traffic = traffic
        self.deployed = deployed
        self._decider = decider
        self._record = record
        self._ending: set[asyncio.Task[None]] = set()

    async def answer(
        self, body: ChatBody, client: Client, *, deadline_seconds: float | None = None
    ) -> Reply:
        """The answer, once it is on record.

        Raises RefusedError with what the client is told. Cancelled, it cancels what runs, and
        puts the request on record as left.
        """
        kitchen = self.kitchen
        one = taken(
            body,
            client,
            deadline_seconds=deadline_seconds,
            plain=kitchen.plain,
            family=kitchen.family,
            seed=kitchen.seed,
            now=kitchen.clock.now(),
        )
        if not one.asked.plain:
            self._champion(one.asked)
        self.allowances.take(client, one.received_at)
        if self._record.failing is not None:
            # Nothing is paid for that could not be kept: first an empty line.
            await self._kept(Entry())
        async with self.places.place(kitchen.clock.now):
            try:
                async with asyncio.timeout(kitchen.timeout_seconds):
                    embedding, execution = await self._executed(one)
            except BudgetExceededError as error:
                await self._ended(one, 429)
                raise RefusedError(
                    str(error), status=429, kind="insufficient_quota", code="insufficient_quota"
                ) from None
            except TimeoutError:
                await self._ended(one, 504)
                raise RefusedError(
                    f"no answer within {kitchen.timeout_seconds:g} s "
                    "(gateway.timeout_seconds): ask for less, or raise it",
                    status=504,
                    kind="timeout_error",
                    code="timeout",
                ) from None
            except asyncio.CancelledError:
                self._later(one)
                raise
            return await self._answered(one, embedding, execution)

    async def feedback(self, body: FeedbackBody, client: Client) -> Feedback:
        """Keep what is said of an answer; RefusedError (404) for one that was never given."""
        if not await self._record.knows(body.id):
            raise RefusedError(
                f"no answer has the id {body.id[:100]!r}: send the id of a chat completion",
                status=404,
                parameter="id",
                code="unknown_id",
            )
        given = Feedback(
            feedback_id=f"feedback-{secrets.token_hex(12)}",
            request_id=body.id,
            client=client.name,
            score=body.score,
            reference=body.reference,
            comment=body.comment,
            given_at=self.kitchen.clock.now(),
        )
        await self._kept(Entry(feedback=given))
        return given

    async def close(self) -> None:
        """Wait until what is known is on record."""
        if self._ending:
            await asyncio.gather(*self._ending, return_exceptions=True)
        self._decider.close()

    def _champion(self, asked: Asked) -> Champion:
        champion = self.deployed.current(asked.tag)
        if champion is None and asked.tag is not None:
            raise RefusedError(
                f"no champion has the tag {asked.tag!r}: `lamas champion promote CHECKPOINT --tag "
                f"{asked.tag}` names one; GET /v1/models lists them",
                status=404,
                parameter="model",
                code="model_not_found",
            )
        if champion is None:
            raise RefusedError(
                "there is no champion yet: `lamas retrain` makes one, or name a plain model",
                status=503,
                kind="server_error",
                code="no_champion",
                retry_after_seconds=30.0,
            )
        return champion

    async def _executed(self, one: Taken) -> tuple[str, Execution]:
        """(the question's embedding, what came of it)."""
        kitchen = self.kitchen
        if one.asked.plain:
            return await self._plainly(one)
        # The champion of this instant decides, whoever is promoted while it runs.
        decided = await self._decided(one, self._champion(one.asked))
        one.decided_at, one.multiplier = kitchen.clock.now(), decided.multiplier
        executor = GraphExecutor(
            catalogue=kitchen.catalogue,
            model=InConversation(kitchen.model, one.conversation, one.sampling),
            sandbox=kitchen.sandbox,
            gamma=kitchen.gamma,
            clock=kitchen.clock,
            live=True,
        )
        execution = await executor.execute(decided.planned, one.problem)
        return packed(decided.embedding), execution

    async def _decided(self, one: Taken, champion: Champion) -> Decided:
        """What is to be run; beside the champion a candidate may be tried."""

        async def by(who: Champion) -> Decided:
            return await self._decider.decide(
                who, one.problem, one.asked, seed=one.seed, rollout_id=one.rollout_id
            )

        one.champion, decided = champion, await by(champion)
        candidate = None if one.asked.tag else self.deployed.candidate()
        if candidate is None or candidate.checkpoint_id == champion.checkpoint.checkpoint_id:
            return decided
        try:
            other = await by(candidate.chosen)
        except RefusedError:
            # It knows no such trade-off: the request is none of its.
            return decided
        one.trial = trial_of(one.request_id, candidate, of_champion=decided, of_candidate=other)
        if not decides(candidate.checkpoint_id, candidate.share, one.request_id):
            return decided
        one.champion = candidate.chosen
        return other

    async def _plainly(self, one: Taken) -> tuple[str, Execution]:
        kitchen, sampling = self.kitchen, one.sampling
        call = kitchen.call
        temperature, limit = sampling.temperature, sampling.max_tokens
        operator = PlainModel(
            one.conversation.messages(),
            CallSettings(
                temperature=call.temperature if temperature is None else temperature,
                max_tokens=call.max_tokens if limit is None else limit,
                model=kitchen.plain[one.asked.name],
            ),
        )
        planned = plain_plan(
            one.problem,
            rollout_id=one.rollout_id,
            run_id=kitchen.run_id,
            mode=kitchen.mode,
            seed=one.seed,
        )
        execution = await asked_plainly(
            planned,
            one.problem,
            operator,
            # The conversation is what it is asked; only where it stops is left to say.
            model=InConversation(kitchen.model, NO_CONVERSATION, Sampling(stop=sampling.stop)),
            sandbox=kitchen.sandbox,
            gamma=kitchen.gamma,
            clock=kitchen.clock,
        )
        return "", execution

    async def _answered(self, one: Taken, embedding: str, execution: Execution) -> Reply:
        now = self.kitchen.clock.now()
        rollout = assembled(execution, None)
        self.allowances.spend(one.client, rollout.cost_usd, now)
        request = one.request(
            200 if execution.error is None else 502,
            run_id=self.kitchen.run_id,
            answered_at=now,
            rollout_id=one.rollout_id,
        )
        await self._kept(
            Entry(
                request=request,
                rollout=rollout,
                problem=one.problem,
                embedding=embedding,
                trial=one.trial,
            )
        )
        self.traffic.add(request, rollout)
        if execution.error is not None:
            raise RefusedError(
                f"the question was not answered: {execution.error}",
                status=502,
                kind="upstream_error",
                code="model_failed",
            )
        return Reply(
            request_id=one.request_id,
            created=int(time.time()),
            model=one.asked.name,
            text=one.sampling.ended(execution.answer or ""),
            rollout=rollout,
            multiplier=one.multiplier,
            simulated=self.kitchen.simulated,
        )

    async def _ended(self, one: Taken, status: int) -> None:
        """Put on record that there was no answer."""
        request = one.request(
            status, run_id=self.kitchen.run_id, answered_at=self.kitchen.clock.now()
        )
        self.traffic.add(request, None)
        await self._kept(Entry(request=request, trial=one.trial))

    def _later(self, one: Taken) -> None:
        """The same for a client that left: nobody waits for it."""
        ending = asyncio.ensure_future(self._ended(one, LEFT_EARLY))
        self._ending.add(ending)
        ending.add_done_callback(self._forget)

    def _forget(self, ending: asyncio.Task[None]) -> None:
        self._ending.discard(ending)
        if not ending.cancelled():
            # Read, or it would be reported as never retrieved.
            ending.exception()

    async def _kept(self, entry: Entry) -> None:
        try:
            await self._record.keep(entry)
        except WarehouseError as error:
            raise RefusedError(
                f"the request cannot be put on record: {error}",
                status=503,
                kind="server_error",
                code="not_recorded",
                retry_after_seconds=30.0,
            ) from None
