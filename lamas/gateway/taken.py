"""A request on its way: everything known of it before, while and after it is answered."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, replace

from lamas.domain import Problem, TaskFamily, derive_seed, digest
from lamas.domain.problem import asked_problem
from lamas.domain.served import ServedRequest, Trial
from lamas.gateway.bodies import ChatBody
from lamas.gateway.conversation import Conversation, Sampling, conversation_of
from lamas.gateway.deciding import Champion, new_rollout_id
from lamas.gateway.keys import Client
from lamas.gateway.names import Asked, asked_for


@dataclass(kw_only=True, slots=True)
class Taken:
    """One request that was understood; the last four are filled in as it goes."""

    client: Client
    body: ChatBody
    asked: Asked
    conversation: Conversation
    problem: Problem
    rollout_id: str
    received_at: float
    seed: int
    champion: Champion | None = None
    decided_at: float | None = None
    multiplier: float | None = None
    trial: Trial | None = None

    @property
    def request_id(self) -> str:
        """What the client is given."""
        return f"chatcmpl-{self.rollout_id}"

    @property
    def sampling(self) -> Sampling:
        """What the client says about how its answer is made."""
        body = self.body
        return Sampling(temperature=body.temperature, max_tokens=body.limit, stop=body.stops)

    def request(
        self, status: int, *, run_id: str, answered_at: float, rollout_id: str | None = None
    ) -> ServedRequest:
        """The record of how it ended."""
        user = self.body.user
        return ServedRequest(
            request_id=self.request_id,
            run_id=run_id,
            rollout_id=rollout_id,
            checkpoint_id=None if self.champion is None else self.champion.checkpoint.checkpoint_id,
            client=self.client.name,
            client_user=None if user is None else hashlib.sha256(user.encode()).hexdigest(),
            requested_model=self.asked.name,
            multiplier=self.multiplier,
            deadline_seconds=self.asked.condition.deadline,
            messages=self.conversation.length,
            streamed=bool(self.body.stream),
            metadata=json.dumps(self.body.metadata or {}, sort_keys=True),
            status=status,
            received_at=self.received_at,
            decided_at=self.decided_at,
            answered_at=answered_at,
        )


def taken(
    body: ChatBody,
    client: Client,
    *,
    deadline_seconds: float | None,
    plain: Collection[str],
    family: TaskFamily,
    seed: int,
    now: float,
) -> Taken:
    """A request that came at `now`; `seed` is the gateway's.

    Raises RefusedError for a model or a conversation that cannot be answered.
    """
    wishes = body.lamas
    if wishes is not None and wishes.deadline_ms is not None:
        deadline_seconds = wishes.deadline_ms / 1000.0
    asked = asked_for(
        body.model,
        plain,
        deadline_seconds=deadline_seconds,
        multiplier=None if wishes is None else wishes.multiplier,
    )
    conversation = conversation_of(body.messages)
    problem = replace(
        asked_problem(
            conversation.question,
            family,
            problem_id=f"served/{digest(family, conversation.question)[:16]}",
            benchmark="served",
        ),
        split="train",
        metadata={},
    )
    rollout_id = new_rollout_id()
    drawn = rollout_id if body.seed is None else str(body.seed)
    return Taken(
        client=client,
        body=body,
        asked=asked,
        conversation=conversation,
        problem=problem,
        rollout_id=rollout_id,
        received_at=now,
        seed=derive_seed(seed, "serve", drawn),
    )
