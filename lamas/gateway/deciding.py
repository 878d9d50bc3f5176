"""How a question becomes a planned rollout: the deployed controller decides, off the event loop."""

import asyncio
import secrets
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lamas.controller import Controller, QueryEncoder
from lamas.controller.condition import Condition
from lamas.controller.conditioned_policy import ConditionedPolicy
from lamas.controller.named_points import named_multiplier
from lamas.domain import Checkpoint, ExecutionMode, PlannedRollout, Problem, digest
from lamas.errors import ConfigurationError, ControllerError
from lamas.execution.planning import PlanKey, plan
from lamas.gateway.names import Asked
from lamas.gateway.refusal import RefusedError

KNOWN_EMBEDDINGS = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class Champion:
    """The controller that decides, and which one it is."""

    checkpoint: Checkpoint
    controller: Controller
    units_per_second: float = 1.0
    """What a second is in the unit in which the controller counts waiting."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """What is to be run for a request."""

    planned: PlannedRollout
    embedding: NDArray[np.float32]
    """e(x) of the question, [384] float32."""
    multiplier: float | None
    """Price of waiting that held; None for a controller with one trade-off."""


class Decider:
    """Encodes questions and asks controllers, one after another on a thread of its own."""

    def __init__(self, encoder: QueryEncoder, *, run_id: str, mode: ExecutionMode) -> None:
        self._encoder = encoder
        self._run_id = run_id
        self._mode: ExecutionMode = mode
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="decide")
        self._known: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    @property
    def encoder_kind(self) -> str:
        """Kind of encoder that made the embeddings."""
        return self._encoder.kind

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def decide(
        self, champion: Champion, problem: Problem, asked: Asked, *, seed: int, rollout_id: str
    ) -> Decided:
        """The graph for `problem`; RefusedError for a trade-off the controller cannot meet."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._thread, self._decided, champion, problem, asked, seed, rollout_id
        )

    def _decided(
        self, champion: Champion, problem: Problem, asked: Asked, seed: int, rollout_id: str
    ) -> Decided:
        controller, checkpoint = champion.controller, champion.checkpoint
        try:
            condition = _condition(champion, asked)
            multiplier = controller.multiplier(condition)
        except (ConfigurationError, ControllerError) as error:
            raise RefusedError(
                f"model {asked.name}: {error}", parameter="model", code="trade_off_not_available"
            ) from None
        embedding = self._embedding(problem.question)
        choice = controller.decide(
            embedding[None], multipliers=None if multiplier is None else [multiplier]
        )[0]
        key = PlanKey(
            run_id=self._run_id,
            purpose="serve",
            policy=checkpoint.controller,
            checkpoint_id=checkpoint.checkpoint_id,
            mode="decided",
            execution_mode=self._mode,
            step=checkpoint.step,
            multiplier=multiplier,
            deadline=condition.deadline,
        )
        planned = plan(key, problem, choice, sample_index=0, seed=seed)
        return Decided(
            planned=replace(planned, rollout_id=rollout_id),
            embedding=embedding,
            multiplier=multiplier,
        )

    def _embedding(self, question: str) -> NDArray[np.float32]:
        known = self._known.get(question)
        if known is None:
            known = self._encoder.encode([question])[0]
        self._known[question] = known
        self._known.move_to_end(question)
        if len(self._known) > KNOWN_EMBEDDINGS:
            self._known.popitem(last=False)
        return known


def _condition(champion: Champion, asked: Asked) -> Condition:
    policy = champion.controller.policy
    if asked.point is None:
        seconds = asked.condition.deadline
        if seconds is None:
            return asked.condition
        return Condition(deadline=seconds * champion.units_per_second)
    if not isinstance(policy, ConditionedPolicy):
        # Any condition will do: such a controller says that it knows none.
        return Condition(multiplier=1.0)
    return Condition(multiplier=named_multiplier(asked.point, policy.operating_points()))


def new_rollout_id() -> str:
    """One that nobody can guess: whoever knows it may say something of its answer."""
    return digest("serve", secrets.token_hex(32))
