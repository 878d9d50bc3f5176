"""What a credit rule is: rollout and labels in, one reward for each decision out."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from lamas.domain import CriticalPathLabel, OperatorInvocation, PolicyDecision, Rollout
from lamas.errors import DomainError
from lamas.training.reward import DecisionReward, RewardWeights


class CreditRule(Protocol):
    """Assigns rewards to the decisions of one finished rollout, in the order of its decisions.

    Post-processing counts in C and T but nobody decided it, so it earns no reward of its own.
    Raises DomainError for a failed rollout and for labels that do not fit it.
    """

    @property
    def name(self) -> str: ...

    def assign(
        self, rollout: Rollout, labels: Sequence[CriticalPathLabel], weights: RewardWeights
    ) -> tuple[DecisionReward, ...]: ...


def graph_invocations(rollout: Rollout) -> Mapping[tuple[int, str], OperatorInvocation]:
    """The invocations that were decided, by layer and operator: post-processing is left out."""
    return {
        (item.layer, item.operator): item
        for item in rollout.trace.invocations
        if item.kind == "graph"
    }


def invocation_of(
    decision: PolicyDecision,
    invocations: Mapping[tuple[int, str], OperatorInvocation],
    rollout: Rollout,
) -> OperatorInvocation:
    """The invocation a decision led to; DomainError when the trace has none."""
    invocation = invocations.get((decision.layer, decision.operator))
    if invocation is None:
        raise DomainError(
            f"rollout {rollout.rollout_id}: its trace has no invocation of {decision.operator} in "
            f"layer {decision.layer}, which was decided"
        )
    return invocation


def label_of(
    invocation: OperatorInvocation, labels: Mapping[str, CriticalPathLabel], rollout: Rollout
) -> CriticalPathLabel:
    """The critical-path label of an invocation; DomainError when there is none."""
    label = labels.get(invocation.invocation_id)
    if label is None:
        raise DomainError(
            f"rollout {rollout.rollout_id}: invocation {invocation.invocation_id} has no "
            "critical-path label; label the whole trace first"
        )
    return label


def same_for_all(
    rollout: Rollout, rule: str, *, cost_term: float, latency_term: float, score_term: float
) -> tuple[DecisionReward, ...]:
    """Every decision earns the same."""
    return tuple(
        DecisionReward(
            rollout_id=rollout.rollout_id,
            problem_id=rollout.plan.problem_id,
            layer=decision.layer,
            operator=decision.operator,
            credit_rule=rule,
            score_term=score_term,
            cost_term=cost_term,
            latency_term=latency_term,
        )
        for decision in rollout.plan.decisions
    )
