"""Whether the figures a rollout carries follow from the calls and times recorded in it."""

from lamas.domain import OperatorInvocation, Rollout, ordered_sum
from lamas.errors import DomainError
from lamas.timing.critical_path import cp_tokens, label, makespan_seconds, virtual_seconds
from lamas.timing.longest_chain import longest_chain


def check(rollout: Rollout) -> None:
    """Recompute N_out, t_tool, CP_len, T, makespan, slack and C from the trace, bit for bit.

    Raises DomainError naming the first figure that does not follow from the records.
    """
    trace = rollout.trace
    for invocation in trace.invocations:
        _check_invocation(rollout, invocation)
    _equal(rollout, "CP_len", rollout.cp_tokens, cp_tokens(trace))
    _equal(rollout, "T", rollout.virtual_seconds, virtual_seconds(trace))
    _equal(rollout, "makespan", rollout.makespan_seconds, makespan_seconds(trace))
    paid = ordered_sum(invocation.cost_usd for invocation in trace.invocations)
    _equal(rollout, "cost", rollout.cost_usd, paid)
    if (rollout.score is None) != (rollout.status == "failed"):
        raise DomainError(
            f"rollout {rollout.rollout_id}: status is {rollout.status!r} but the score is "
            f"{rollout.score}; exactly failed rollouts have none"
        )
    _check_labels(rollout)


def _check_invocation(rollout: Rollout, invocation: OperatorInvocation) -> None:
    gamma = rollout.trace.gamma
    where = f"of {invocation.operator} in layer {invocation.layer}"
    chain = longest_chain(invocation.calls, invocation.tools, gamma)
    _equal(rollout, f"N_out {where}", invocation.output_tokens, chain.output_tokens)
    _equal(rollout, f"t_tool {where}", invocation.tool_seconds, chain.tool_seconds)
    _equal(rollout, f"CP tokens {where}", invocation.cp_tokens, chain.cp_tokens(gamma))
    paid = ordered_sum(call.cost_usd for call in invocation.calls)
    _equal(rollout, f"cost {where}", invocation.cost_usd, paid)
    if invocation.ended_at < invocation.started_at:
        raise DomainError(
            f"rollout {rollout.rollout_id}: {invocation.operator} in layer {invocation.layer} "
            f"ends {invocation.started_at - invocation.ended_at} s before it starts"
        )


def _check_labels(rollout: Rollout) -> None:
    layer_maxima = {item.layer: item.layer_max_tokens for item in label(rollout.trace)}
    total = ordered_sum(layer_maxima[number] for number in sorted(layer_maxima))
    _equal(rollout, "sum of layer maxima", rollout.cp_tokens, total)
    for item in label(rollout.trace):
        if (item.slack_tokens == 0.0) != item.is_critical:
            raise DomainError(
                f"rollout {rollout.rollout_id}: {item.operator} in layer {item.layer} has slack "
                f"{item.slack_tokens} but is_critical is {item.is_critical}"
            )


def _equal(rollout: Rollout, name: str, stated: float, computed: float) -> None:
    if stated != computed:
        raise DomainError(
            f"rollout {rollout.rollout_id}: {name} is recorded as {stated!r}, "
            f"its records give {computed!r}"
        )
