"""Credit `marginal`: every operator is charged what it added to cost and to time."""

from collections.abc import Sequence

from lamas.domain import CriticalPathLabel, OperatorInvocation, Rollout, ordered_sum
from lamas.training.credit.rule import graph_invocations, invocation_of, label_of
from lamas.training.reward import (
    DecisionReward,
    RewardWeights,
    cost_term,
    latency_term,
    score_of,
)


class Marginal:
    """S − λ_c·(own cost + post cost) − λ_t·(own time + post time) for each decision.

    Own time is the layer time that would vanish without the operator: its layer's maximum minus the
    largest of its siblings if it is critical, else 0; at a tie nobody is charged, and an operator
    without calls (EarlyStop) is charged nothing of its own.

    Post-processing belongs to no operator: it runs because of what the whole graph left, which
    every decision had a part in (leaving candidates, not ensembling them, stopping). A term may be
    left out of a decision's reward only if the decision had no influence on it, so the cost and
    time of post-processing are charged in full to every decision, as S is given in full to all.
    """

    name = "marginal"

    def assign(
        self, rollout: Rollout, labels: Sequence[CriticalPathLabel], weights: RewardWeights
    ) -> tuple[DecisionReward, ...]:
        score = score_of(rollout)
        by_invocation = {label.invocation_id: label for label in labels}
        post_cost, post_tokens = _post_processing(rollout, by_invocation)
        invocations = graph_invocations(rollout)
        rewards: list[DecisionReward] = []
        for decision in rollout.plan.decisions:
            invocation = invocation_of(decision, invocations, rollout)
            added = _added_tokens(label_of(invocation, by_invocation, rollout))
            seconds = (added + post_tokens) / rollout.trace.gamma
            rewards.append(
                DecisionReward(
                    rollout_id=rollout.rollout_id,
                    problem_id=rollout.plan.problem_id,
                    layer=decision.layer,
                    operator=decision.operator,
                    credit_rule=self.name,
                    score_term=score,
                    cost_term=cost_term(invocation.cost_usd + post_cost, weights),
                    latency_term=latency_term(seconds, weights),
                )
            )
        return tuple(rewards)


def _added_tokens(label: CriticalPathLabel) -> float:
    return label.layer_max_tokens - label.layer_second_tokens if label.is_critical else 0.0


def _post_processing(rollout: Rollout, labels: dict[str, CriticalPathLabel]) -> tuple[float, float]:
    """Cost in USD and layer tokens of all post-processing, added in (layer, position) order."""
    post = sorted(
        (item for item in rollout.trace.invocations if item.kind == "post"),
        key=lambda item: (item.layer, item.position),
    )
    first_of_layer: dict[int, OperatorInvocation] = {}
    for item in post:
        first_of_layer.setdefault(item.layer, item)
    return (
        ordered_sum(item.cost_usd for item in post),
        ordered_sum(
            label_of(item, labels, rollout).layer_max_tokens for item in first_of_layer.values()
        ),
    )
