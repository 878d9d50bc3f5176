"""Credit to the decisions that filled an outcome table: S − μ·T of each, against its problem's."""

from collections import defaultdict
from collections.abc import Sequence

from lamas.domain import Credit, ordered_sum
from lamas.domain.table_fit import TabulatedDecision

RULE = "critical_path"


def table_credits(
    decisions: Sequence[TabulatedDecision],
    *,
    multiplier: float,
    score_unit: float,
    time_unit: float,
) -> tuple[Credit, ...]:
    """One credit for each decision, at the price of waiting that the controller came to.

    The reward is S − μ·T; the baseline is the mean of the problem's decisions, in the order of
    their rollout ids, and the scale a + μ·b.
    """
    rewards: defaultdict[str, list[float]] = defaultdict(list)
    ordered = sorted(decisions, key=lambda item: item.rollout_id)
    for item in ordered:
        rewards[item.problem_id].append(_reward(item, multiplier))
    scale = score_unit + multiplier * time_unit
    credits: list[Credit] = []
    for item in ordered:
        of_problem = rewards[item.problem_id]
        baseline = ordered_sum(of_problem) / len(of_problem)
        reward = _reward(item, multiplier)
        credits.append(
            Credit(
                rollout_id=item.rollout_id,
                layer=1,
                operator=item.operator,
                credit_rule=RULE,
                score_term=item.score,
                cost_term=0.0,
                latency_term=-(multiplier * item.time),
                reward=reward,
                baseline=baseline,
                scale=scale,
                advantage=(reward - baseline) / scale,
            )
        )
    return tuple(credits)


def _reward(item: TabulatedDecision, multiplier: float) -> float:
    return item.score + 0.0 + -(multiplier * item.time)
