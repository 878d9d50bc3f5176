"""Credit `critical_path`: the slowest operator of each layer answers for the rollout's time."""

from collections.abc import Sequence

from lamas.domain import CriticalPathLabel, Rollout
from lamas.training.credit.rule import graph_invocations, invocation_of, label_of
from lamas.training.reward import (
    DecisionReward,
    RewardWeights,
    cost_term,
    latency_term,
    score_of,
)


class CriticalPath:
    """S − λ_c·C − λ_t·T for critical decisions, S − λ_c·C for the others (the paper).

    At a tie all the slowest answer. An operator that takes no time and stands alone in its layer
    (EarlyStop) is that layer's slowest.
    """

    name = "critical_path"

    def assign(
        self, rollout: Rollout, labels: Sequence[CriticalPathLabel], weights: RewardWeights
    ) -> tuple[DecisionReward, ...]:
        score = score_of(rollout)
        cost = cost_term(rollout.cost_usd, weights)
        whole_path = latency_term(rollout.virtual_seconds, weights)
        invocations = graph_invocations(rollout)
        by_invocation = {label.invocation_id: label for label in labels}
        rewards: list[DecisionReward] = []
        for decision in rollout.plan.decisions:
            invocation = invocation_of(decision, invocations, rollout)
            label = label_of(invocation, by_invocation, rollout)
            rewards.append(
                DecisionReward(
                    rollout_id=rollout.rollout_id,
                    problem_id=rollout.plan.problem_id,
                    layer=decision.layer,
                    operator=decision.operator,
                    credit_rule=self.name,
                    score_term=score,
                    cost_term=cost,
                    latency_term=whole_path if label.is_critical else 0.0,
                )
            )
        return tuple(rewards)
