"""What each chain of an invocation takes, against the longest chain of its own calls."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.domain import ModelCall, OperatorInvocation, ToolExecution
from lamas.timing.chain_lengths import ChainLength, chain_lengths
from tests.timing.traces import GAMMA, call, calls, invocation, tool, tools


def leaving(
    count: int, calls: tuple[ModelCall, ...], tools: tuple[ToolExecution, ...] = ()
) -> OperatorInvocation:
    """An invocation that leaves so many candidates."""
    return replace(invocation(1, 0, calls, tools), candidates=("x",) * count)


def test_a_branch_for_each_candidate_is_a_chain_of_its_own() -> None:
    branches = (call(90, 0, 0), call(7, 0, 1, attempt=1), call(20, 0, 1, attempt=2))
    found = chain_lengths(leaving(3, (*branches, call(10, 0, 2)), (tool(0.5, 0, 2),)), GAMMA)
    assert found == (
        ChainLength(90.0, 1.0),
        ChainLength(27.0, 2.0),
        ChainLength(10.0 + 0.5 * GAMMA, 1.5),
    )


def test_what_comes_in_stages_is_there_when_the_operator_ends() -> None:
    # The second stage waits for the slowest branch of the first, in tokens as in seconds.
    staged = (call(90, 0, 0), call(300, 0, 1), call(5, 1, 0))
    found = chain_lengths(leaving(2, staged, (tool(2.0, 1),)), GAMMA)
    assert found == (ChainLength(305.0 + 2.0 * GAMMA, 4.0),) * 2


def test_an_operator_that_asks_nobody_takes_nothing() -> None:
    assert chain_lengths(leaving(1, ()), GAMMA) == (ChainLength(0.0, 0.0),)


@pytest.mark.slow
@given(calls, tools, st.integers(1, 3))
def test_no_chain_is_longer_than_its_invocation_and_one_is_as_long(
    calls: tuple[ModelCall, ...], tools: tuple[ToolExecution, ...], count: int
) -> None:
    made = leaving(count, calls, tools)
    found = chain_lengths(made, GAMMA)
    assert len(found) == count
    assert max(length.cp_tokens for length in found) == made.cp_tokens
