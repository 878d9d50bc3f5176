"""The learner: a controller, its optimiser and its baseline, moved one step by stored rollouts."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lamas.controller import Controller, bounded_threads
from lamas.domain import Credit, CriticalPathLabel, Rollout, Update
from lamas.errors import ControllerError, DomainError
from lamas.training.adam import Adam
from lamas.training.baseline import BaselineState, build_baseline
from lamas.training.batch import CreditedBatch, assign_credit
from lamas.training.credit import credit_rule
from lamas.training.objective import Objective, objective
from lamas.training.settings import TrainerSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateResult:
    """What one optimiser step did."""

    step: int
    """Steps taken, this one included."""
    rollouts: int
    decisions: int
    loss: float
    gradient_norm: float
    """Before clipping."""
    entropy: float
    """Mean entropy of p_ℓ over all layers of the batch before the step, in nats."""
    drift: float
    """Largest |log-probability − as recorded|; far from 0 the rollouts are off-policy."""
    baseline_mean: float
    baseline_scale: float
    learning_rate: float
    seconds: float

    def record(
        self,
        *,
        update_id: str,
        run_id: str,
        failed_rollouts: int,
        checkpoint_before: str,
        checkpoint_after: str,
    ) -> Update:
        """The warehouse's record of this step."""
        return Update(
            update_id=update_id,
            run_id=run_id,
            step=self.step,
            rollouts=self.rollouts,
            failed_rollouts=failed_rollouts,
            decisions=self.decisions,
            loss=self.loss,
            gradient_norm=self.gradient_norm,
            entropy=self.entropy,
            baseline_mean=self.baseline_mean,
            baseline_scale=self.baseline_scale,
            learning_rate=self.learning_rate,
            checkpoint_before=checkpoint_before,
            checkpoint_after=checkpoint_after,
            seconds=self.seconds,
        )


class Trainer:
    """REINFORCE on stored rollouts.

    Its whole state is the controller's weights, Adam's moments, the baseline, the step and the
    seed; `lamas.training.checkpoint` stores exactly these. Every stream of random numbers is
    counter-based and keyed by seed and step, so those two are the random state.
    """

    def __init__(
        self,
        controller: Controller,
        settings: TrainerSettings | None = None,
        *,
        seed: int = 0,
        step: int = 0,
        baseline_state: BaselineState | None = None,
    ) -> None:
        self.controller = controller
        self.settings = settings or TrainerSettings()
        self.seed = seed
        self.step = step
        self.baseline_state = baseline_state or BaselineState()
        self.optimiser = Adam(controller.parameters(), learning_rate=self.settings.learning_rate)
        self._rule = credit_rule(self.settings.credit)
        self._baseline = build_baseline(self.settings.baseline, self.settings.baseline_settings)

    def credit(
        self, rollouts: Sequence[Rollout], labels: Mapping[str, Sequence[CriticalPathLabel]]
    ) -> tuple[Credit, ...]:
        """Credits of the batch of the next step; changes nothing, so it may be run again.

        `labels` by rollout_id. Raises DomainError for failed rollouts, unsampled graphs and labels
        that do not fit.
        """
        credits, _ = assign_credit(
            rollouts,
            labels,
            rule=self._rule,
            weights=self.settings.weights,
            baseline=self._baseline,
            state=self.baseline_state,
        )
        return credits

    def update(
        self,
        rollouts: Sequence[Rollout],
        credits: Sequence[Credit],
        embeddings: Mapping[str, NDArray[np.float32]],
    ) -> UpdateResult:
        """One optimiser step on the batch, in one batched pass; also advances the baseline.

        `embeddings` by problem_id. The result depends neither on the order of the arguments nor on
        the number of threads. Raises DomainError for failed rollouts, for missing or foreign
        credits, and for credits that this trainer's baseline would not give (they were computed
        for another step); ControllerError when the step is not finite. Nothing changes then.
        """
        started = time.perf_counter()
        batch = CreditedBatch.of(rollouts, credits, embeddings)
        state = self._advanced(batch)
        with bounded_threads():
            result = self._objective(batch)
            gradient_norm = self._move(result.loss)
        self.baseline_state = state
        self.step += 1
        return UpdateResult(
            step=self.step,
            rollouts=len(batch.rollouts),
            decisions=len(batch.credits),
            loss=result.loss.item(),
            gradient_norm=gradient_norm,
            entropy=result.entropy.item(),
            drift=result.drift,
            baseline_mean=state.mean,
            baseline_scale=self._baseline.scale(state),
            learning_rate=self.settings.learning_rate,
            seconds=time.perf_counter() - started,
        )

    def _advanced(self, batch: CreditedBatch) -> BaselineState:
        advantages, state = self._baseline.advance(self.baseline_state, batch.rewards())
        for credit, advantage in zip(batch.credits, advantages, strict=True):
            if credit.advantage != advantage.advantage:
                raise DomainError(
                    f"rollout {credit.rollout_id}: the stored advantage {credit.advantage} of "
                    f"{credit.operator} in layer {credit.layer} is not the one of step "
                    f"{self.step + 1}, {advantage.advantage}: compute the credits of this batch "
                    "again with this checkpoint"
                )
        return state

    def _objective(self, batch: CreditedBatch) -> Objective:
        plans = [rollout.plan for rollout in batch.rollouts]
        prices = [plan.multiplier for plan in plans if plan.multiplier is not None]
        current = self.controller.log_prob(
            batch.embeddings,
            [plan.decisions for plan in plans],
            # All rollouts of a batch are one controller's: each has a price, or none does.
            multipliers=prices or None,
        )
        advantages = [credit.advantage for credit in batch.credits]
        return objective(current, batch.rollouts, advantages, self.settings)

    def _move(self, loss: Tensor) -> float:
        self.optimiser.zero_grad()
        torch.autograd.backward(loss)
        norm = torch.nn.utils.clip_grad_norm_(
            self.controller.parameters(), self.settings.gradient_clip, foreach=False
        ).item()
        if not np.isfinite(norm) or not np.isfinite(loss.item()):
            self.optimiser.zero_grad()
            raise ControllerError(
                f"step {self.step + 1} has loss {loss.item()} and gradient norm {norm}: the "
                "controller stays as it was, restore an earlier checkpoint or lower learning_rate"
            )
        self.optimiser.step()
        return norm
