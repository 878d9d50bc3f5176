"""What each chain of one operator invocation takes, as if it stood alone."""

from collections.abc import Iterable
from dataclasses import dataclass

from lamas.domain import ModelCall, OperatorInvocation, ToolExecution, ordered_sum
from lamas.timing.longest_chain import longest_chain


@dataclass(frozen=True, slots=True)
class ChainLength:
    """One chain of calls and tool runs."""

    cp_tokens: float
    """N_out + γ·t_tool, in tokens."""
    seconds: float
    """Of its calls and of its charged tool runs; waiting for a turn is no part of it."""


def chain_lengths(invocation: OperatorInvocation, gamma: float) -> tuple[ChainLength, ...]:
    """One for each candidate of the invocation, in their order.

    Where the invocation is one stage with a branch for each candidate, a chain is a branch;
    otherwise every candidate is there when the invocation ends. A call that is replayed has the
    seconds that it took when it was made.
    """
    steps = (*invocation.calls, *invocation.tools)
    count = len(invocation.candidates)
    branches = sorted({(step.stage, step.branch) for step in steps})
    if branches == [(0, branch) for branch in range(count)]:
        return tuple(
            _length(
                [call for call in invocation.calls if call.branch == branch],
                [tool for tool in invocation.tools if tool.branch == branch],
                gamma,
            )
            for branch in range(count)
        )
    return (_length(invocation.calls, invocation.tools, gamma),) * count


def _length(
    calls: Iterable[ModelCall], tools: Iterable[ToolExecution], gamma: float
) -> ChainLength:
    calls, tools = tuple(calls), tuple(tools)
    spent: dict[int, dict[int, list[float]]] = {}
    for stage, branch, seconds in (
        *((call.stage, call.branch, call.seconds) for call in calls),
        *((tool.stage, tool.branch, tool.charged_seconds) for tool in tools),
    ):
        spent.setdefault(stage, {}).setdefault(branch, []).append(seconds)
    return ChainLength(
        cp_tokens=longest_chain(calls, tools, gamma).cp_tokens(gamma),
        seconds=ordered_sum(
            max(ordered_sum(branch) for branch in branches.values())
            for _, branches in sorted(spent.items())
        ),
    )
