"""Credit `uniform`: every operator earns R, whether it was on the critical path or not."""

from collections.abc import Sequence

from lamas.domain import CriticalPathLabel, Rollout
from lamas.training.credit.rule import same_for_all
from lamas.training.reward import (
    DecisionReward,
    RewardWeights,
    cost_term,
    latency_term,
    score_of,
)


class Uniform:
    """S − λ_c·C − λ_t·T for every decision (the paper's ablation "no CP credit")."""

    name = "uniform"

    def assign(
        self, rollout: Rollout, labels: Sequence[CriticalPathLabel], weights: RewardWeights
    ) -> tuple[DecisionReward, ...]:
        return same_for_all(
            rollout,
            self.name,
            score_term=score_of(rollout),
            cost_term=cost_term(rollout.cost_usd, weights),
            latency_term=latency_term(rollout.virtual_seconds, weights),
        )
