"""Credit `cost_only`: every operator earns score minus cost; time is nobody's concern."""

from collections.abc import Sequence

from lamas.domain import CriticalPathLabel, Rollout
from lamas.training.credit.rule import same_for_all
from lamas.training.reward import DecisionReward, RewardWeights, cost_term, score_of


class CostOnly:
    """S − λ_c·C for every decision (the paper's ablation λ_t = 0, and MaAS)."""

    name = "cost_only"

    def assign(
        self, rollout: Rollout, labels: Sequence[CriticalPathLabel], weights: RewardWeights
    ) -> tuple[DecisionReward, ...]:
        return same_for_all(
            rollout,
            self.name,
            score_term=score_of(rollout),
            cost_term=cost_term(rollout.cost_usd, weights),
            latency_term=0.0,
        )
