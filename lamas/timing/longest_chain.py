"""What one operator invocation puts on the critical path: its own longest chain of calls."""

from collections.abc import Iterable
from dataclasses import dataclass

from lamas.domain import ModelCall, ToolExecution


@dataclass(frozen=True, slots=True)
class LongestChain:
    """The slowest branch of every stage of one invocation, added up over its stages."""

    output_tokens: int
    """N_out, tokens of every attempt on the chain."""
    tool_seconds: float
    """t_tool, charged seconds on the chain."""

    def cp_tokens(self, gamma: float) -> float:
        """N_out + γ·t_tool, in tokens."""
        return self.output_tokens + gamma * self.tool_seconds


def longest_chain(
    calls: Iterable[ModelCall], tools: Iterable[ToolExecution], gamma: float
) -> LongestChain:
    """Per stage the branch with the largest tokens + γ·seconds, the lowest branch at a tie.

    Within a branch calls and tool runs follow each other and are summed; branches of a stage run
    side by side and count as their maximum; stages follow each other and are summed, in order.
    Nobody waited for a branch that was cancelled.
    """
    calls = tuple(calls)
    left = {(call.stage, call.branch) for call in calls if call.status == "cancelled"}
    tokens: dict[tuple[int, int], int] = {}
    seconds: dict[tuple[int, int], float] = {}
    for call in calls:
        key = (call.stage, call.branch)
        tokens[key] = tokens.get(key, 0) + call.usage_output_tokens
    for tool in tools:
        key = (tool.stage, tool.branch)
        seconds[key] = seconds.get(key, 0.0) + tool.charged_seconds
    slowest: dict[int, tuple[float, int, float]] = {}
    for key in sorted((tokens.keys() | seconds.keys()) - left):
        branch_tokens, branch_seconds = tokens.get(key, 0), seconds.get(key, 0.0)
        weight = branch_tokens + gamma * branch_seconds
        known = slowest.get(key[0])
        if known is None or weight > known[0]:
            slowest[key[0]] = (weight, branch_tokens, branch_seconds)
    total_tokens = 0
    total_seconds = 0.0
    for _, branch_tokens, branch_seconds in slowest.values():
        total_tokens += branch_tokens
        total_seconds += branch_seconds
    return LongestChain(total_tokens, total_seconds)
