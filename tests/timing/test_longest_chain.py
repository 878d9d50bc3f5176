"""The longest chain of an invocation against an enumeration of all its paths."""

from itertools import product

import pytest
from hypothesis import given

from lamas.domain import ModelCall, ToolExecution
from lamas.timing import longest_chain
from tests.timing.traces import GAMMA, call, calls, tool, tools


def longest_by_enumeration(calls: tuple[ModelCall, ...], tools: tuple[ToolExecution, ...]) -> float:
    records = [*calls, *tools]
    stages = sorted({record.stage for record in records})
    branches = [
        sorted({record.branch for record in records if record.stage == stage}) for stage in stages
    ]
    longest = 0.0
    for path in product(*branches):
        on_path = set(zip(stages, path, strict=True))
        tokens = sum(c.usage_output_tokens for c in calls if (c.stage, c.branch) in on_path)
        seconds = sum(t.charged_seconds for t in tools if (t.stage, t.branch) in on_path)
        longest = max(longest, tokens + GAMMA * seconds)
    return longest


@given(calls, tools)
def test_it_is_the_longest_of_all_paths(
    calls: tuple[ModelCall, ...], tools: tuple[ToolExecution, ...]
) -> None:
    chain = longest_chain(calls, tools, GAMMA)
    assert chain.cp_tokens(GAMMA) == longest_by_enumeration(calls, tools)


def test_three_parallel_chains_cost_the_longest_and_never_the_mean() -> None:
    chain = longest_chain([call(90, 0, 0), call(300, 0, 1), call(150, 0, 2)], [], GAMMA)
    assert (chain.output_tokens, chain.tool_seconds) == (300, 0.0)


def test_calls_one_after_another_cost_their_sum_attempts_included() -> None:
    chain = longest_chain(
        [call(10, 0), call(7, 1, attempt=1), call(20, 1, attempt=2)], [tool(0.5, 2)], GAMMA
    )
    assert (chain.output_tokens, chain.tool_seconds) == (37, 0.5)
    assert chain.cp_tokens(GAMMA) == 37 + 25.0


@pytest.mark.slow
def test_tool_time_can_make_a_branch_with_fewer_tokens_the_slowest() -> None:
    chain = longest_chain([call(60, 0, 0), call(20, 0, 1)], [tool(1.0, 0, 1)], GAMMA)
    assert (chain.output_tokens, chain.tool_seconds) == (20, 1.0)


@pytest.mark.slow
def test_an_invocation_without_calls_costs_nothing() -> None:
    assert longest_chain([], [], GAMMA).cp_tokens(GAMMA) == 0.0
