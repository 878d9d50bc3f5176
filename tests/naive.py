"""The plain definitions, written once more and slowly: what fast code and SQL are compared with."""

from collections.abc import Iterable, Sequence

from lamas.domain import Credit, CriticalPathLabel, ModelCall, Rollout, ToolExecution, Trace


def plain_sum(values: Iterable[float]) -> float:
    """Left to right from 0.0, without the compensation of newer `sum()`s."""
    total = 0.0
    for value in values:
        total += value
    return total


def naive_chain(
    calls: Sequence[ModelCall], tools: Sequence[ToolExecution], gamma: float
) -> tuple[int, float]:
    """N_out and t_tool: per stage the branch of most tokens + γ·seconds, the lowest at a tie."""
    total_tokens, total_seconds = 0, 0.0
    parts = (*calls, *tools)
    for stage in sorted({part.stage for part in parts}):
        branches: list[tuple[float, int, int, float]] = []
        for branch in sorted({part.branch for part in parts if part.stage == stage}):
            here = (stage, branch)
            tokens = sum(
                call.usage_output_tokens for call in calls if (call.stage, call.branch) == here
            )
            seconds = plain_sum(
                tool.charged_seconds for tool in tools if (tool.stage, tool.branch) == here
            )
            branches.append((tokens + gamma * seconds, -branch, tokens, seconds))
        _, _, tokens, seconds = max(branches)
        total_tokens += tokens
        total_seconds += seconds
    return total_tokens, total_seconds


def naive_labels(trace: Trace) -> tuple[CriticalPathLabel, ...]:
    """Critical-path labels by the plain definitions."""
    labels: list[CriticalPathLabel] = []
    for layer in trace.layers:
        for item in layer:
            others = [other.cp_tokens for other in layer if other is not item]
            if trace.execution_mode == "sequential":
                largest = plain_sum(other.cp_tokens for other in layer)
                second, slack = plain_sum(others), 0.0
            else:
                largest = max([item.cp_tokens, *others])
                second, slack = max(others, default=0.0), largest - item.cp_tokens
            labels.append(
                CriticalPathLabel(
                    invocation_id=item.invocation_id,
                    layer=item.layer,
                    operator=item.operator,
                    is_critical=slack == 0.0 and item.status != "cancelled",
                    slack_tokens=slack,
                    layer_max_tokens=largest,
                    layer_second_tokens=second,
                )
            )
    return tuple(labels)


def naive_credits(
    rollout: Rollout, rule: str, *, lambda_c: float = 3.0, lambda_t: float = 0.005
) -> tuple[Credit, ...]:
    """Credits of one rollout by the plain definitions, with baseline 0.25 and scale 0.5."""
    labels = {(item.layer, item.operator): item for item in naive_labels(rollout.trace)}
    post = [item for item in rollout.trace.invocations if item.kind == "post"]
    post_tokens = max((item.cp_tokens for item in post), default=0.0)
    if rollout.trace.execution_mode == "sequential":
        post_tokens = plain_sum(item.cp_tokens for item in post)
    credits: list[Credit] = []
    for decision in rollout.plan.decisions:
        own = next(
            item
            for item in rollout.trace.invocations
            if (item.layer, item.operator) == (decision.layer, decision.operator)
        )
        label = labels[decision.layer, decision.operator]
        paid, seconds = rollout.cost_usd, rollout.virtual_seconds
        if rule == "marginal":
            added = label.layer_max_tokens - label.layer_second_tokens if label.is_critical else 0.0
            paid = own.cost_usd + plain_sum(item.cost_usd for item in post)
            seconds = (added + post_tokens) / rollout.trace.gamma
        elif rule == "cost_only" or (rule == "critical_path" and not label.is_critical):
            seconds = 0.0
        assert rollout.score is not None
        cost, latency = 0.0 - lambda_c * paid, 0.0 - lambda_t * seconds
        reward = rollout.score + cost + latency
        credits.append(
            Credit(
                rollout_id=rollout.rollout_id,
                layer=decision.layer,
                operator=decision.operator,
                credit_rule=rule,
                score_term=rollout.score,
                cost_term=cost,
                latency_term=latency,
                reward=reward,
                baseline=0.25,
                scale=0.5,
                advantage=(reward - 0.25) / 0.5,
            )
        )
    return tuple(credits)
