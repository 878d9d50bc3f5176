"""A batch in its canonical order, checked: what credit and update are computed from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lamas.domain import Credit, CriticalPathLabel, Rollout
from lamas.errors import DomainError
from lamas.training.baseline import Baseline, BaselineState
from lamas.training.credit import CreditRule
from lamas.training.reward import DecisionReward, RewardWeights, score_of


def in_order(rollouts: Sequence[Rollout]) -> tuple[Rollout, ...]:
    """By `Rollout.order`, decisions by layer and draw order, so that arrival order changes no bit.

    Raises DomainError for failed rollouts, for those whose graph was not sampled, and for one that
    comes twice.
    """
    ordered = sorted(rollouts, key=lambda rollout: rollout.order)
    for rollout, following in pairwise(ordered):
        if following.rollout_id == rollout.rollout_id:
            raise DomainError(f"rollout {rollout.rollout_id} is twice in the batch")
    for rollout in ordered:
        score_of(rollout)
        if rollout.plan.mode != "sampled" or not rollout.plan.decisions:
            raise DomainError(
                f"rollout {rollout.rollout_id} has a {rollout.plan.mode} graph: only graphs "
                "sampled from the controller can be learned from"
            )
    return tuple(_decisions_in_order(rollout) for rollout in ordered)


def assign_credit(
    rollouts: Sequence[Rollout],
    labels: Mapping[str, Sequence[CriticalPathLabel]],
    *,
    rule: CreditRule,
    weights: RewardWeights,
    baseline: Baseline,
    state: BaselineState,
) -> tuple[tuple[Credit, ...], BaselineState]:
    """Credits of all decisions by `Rollout.order`, layer and draw; and the baseline after them.

    `labels` by rollout_id. A function of its arguments: the same batch gives the same bits again.
    """
    rewards: list[DecisionReward] = []
    for rollout in in_order(rollouts):
        if rollout.rollout_id not in labels:
            raise DomainError(f"rollout {rollout.rollout_id} has no critical-path labels")
        rewards.extend(rule.assign(rollout, labels[rollout.rollout_id], weights))
    advantages, after = baseline.advance(state, rewards)
    credits = tuple(
        Credit(
            rollout_id=item.rollout_id,
            layer=item.layer,
            operator=item.operator,
            credit_rule=item.credit_rule,
            score_term=item.score_term,
            cost_term=item.cost_term,
            latency_term=item.latency_term,
            reward=item.reward,
            baseline=advantage.baseline,
            scale=advantage.scale,
            advantage=advantage.advantage,
        )
        for item, advantage in zip(rewards, advantages, strict=True)
    )
    return credits, after


@dataclass(frozen=True, slots=True)
class CreditedBatch:
    """Rollouts with the credit of each decision and the embedding of each query."""

    rollouts: tuple[Rollout, ...]
    """In canonical order."""
    credits: tuple[Credit, ...]
    """One for each decision, in the order of rollouts and their decisions."""
    embeddings: NDArray[np.float32]
    """[N, 384], a row for each rollout."""

    @classmethod
    def of(
        cls,
        rollouts: Sequence[Rollout],
        credits: Sequence[Credit],
        embeddings: Mapping[str, NDArray[np.float32]],
    ) -> "CreditedBatch":
        """Bring rollouts, stored credits and embeddings (by problem_id, [384]) together.

        Raises DomainError for an empty batch and for decisions without exactly one credit, credits
        without a decision, or problems without an embedding.
        """
        ordered = in_order(rollouts)
        if not ordered:
            raise DomainError("an update needs at least one finished rollout, got none")
        by_decision = {(item.rollout_id, item.layer, item.operator): item for item in credits}
        matched: list[Credit] = []
        for rollout in ordered:
            if rollout.plan.problem_id not in embeddings:
                raise DomainError(f"problem {rollout.plan.problem_id} has no embedding")
            for decision in rollout.plan.decisions:
                key = (rollout.rollout_id, decision.layer, decision.operator)
                if key not in by_decision:
                    raise DomainError(
                        f"rollout {rollout.rollout_id}: the decision for {decision.operator} in "
                        f"layer {decision.layer} has no credit; compute credits first"
                    )
                matched.append(by_decision[key])
        if len(credits) != len(matched):
            raise DomainError(
                f"{len(credits)} credits came with {len(matched)} decisions: exactly one each is "
                "needed"
            )
        rows = [embeddings[rollout.plan.problem_id] for rollout in ordered]
        return cls(ordered, tuple(matched), np.stack(rows).astype(np.float32))

    def rewards(self) -> tuple[DecisionReward, ...]:
        """The stored credits as rewards, to advance a baseline by."""
        problem_of = {item.rollout_id: item.plan.problem_id for item in self.rollouts}
        return tuple(
            DecisionReward(
                rollout_id=item.rollout_id,
                problem_id=problem_of[item.rollout_id],
                layer=item.layer,
                operator=item.operator,
                credit_rule=item.credit_rule,
                score_term=item.score_term,
                cost_term=item.cost_term,
                latency_term=item.latency_term,
            )
            for item in self.credits
        )


def _decisions_in_order(rollout: Rollout) -> Rollout:
    decisions = rollout.plan.decisions
    ordered = tuple(sorted(decisions, key=lambda item: (item.layer, item.draw_order)))
    if ordered == decisions:
        return rollout
    return replace(rollout, plan=replace(rollout.plan, decisions=ordered))
