"""The drawn graph: full bars end to end are the critical path, light ones had slack."""

import io

import pytest
from rich.console import Console

from lamas.domain import ExecutionMode, Trace
from lamas.report.terminal_gantt import CRITICAL_BAR, SLACK_BAR, WIDTH, gantt
from lamas.timing import cp_tokens, label
from tests.factories import Step, make_rollout, make_tool, step


def drawn(trace: Trace) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=200).print(gantt(trace, label(trace), cp_tokens(trace)))
    return out.getvalue().splitlines()


def bars(lines: list[str]) -> list[tuple[int, int, bool]]:
    """(start, length, critical) of every bar, in columns."""
    start = lines[0].index("0 … ")
    found: list[tuple[int, int, bool]] = []
    for line in lines[1:]:
        area = line[start : start + WIDTH]
        full, light = area.count(CRITICAL_BAR), area.count(SLACK_BAR)
        assert not (full and light)
        if full or light:
            place = area.index(CRITICAL_BAR if full else SLACK_BAR)
            found.append((place, full + light, bool(full)))
    return found


def test_layers_follow_each_other_and_the_slowest_is_waited_for() -> None:
    rollout = make_rollout(
        [
            [step("Generate", 100), step("GenerateCoT", 300)],
            [step("SelfRefine", 100)],
        ]
    )
    lines = drawn(rollout.trace)
    assert bars(lines) == [(0, 10, False), (0, 30, True), (30, 10, True)]
    assert "0 … 400 tokens" in lines[0]
    assert [line.split()[1] for line in lines[1:]] == ["Generate", "GenerateCoT", "SelfRefine"]
    assert "200" in lines[1]


def test_sequential_rollouts_are_one_chain() -> None:
    mode: ExecutionMode = "sequential"
    rollout = make_rollout([[step("Generate", 100), step("GenerateCoT", 300)]], execution_mode=mode)
    assert bars(drawn(rollout.trace)) == [(0, 10, True), (10, 30, True)]


def test_tool_time_and_post_processing_are_shown() -> None:
    rollout = make_rollout(
        [[Step(operator="Programmer", tools=(make_tool(2.0, stage=1),))]],
        post=[step("ScEnsemble", 50)],
    )
    lines = drawn(rollout.trace)
    assert "2.00" in lines[1]
    assert "ScEnsemble (post)" in lines[2]


@pytest.mark.parametrize("tokens", [0, 1])
def test_a_graph_of_next_to_nothing_is_drawn_too(tokens: int) -> None:
    lines = drawn(make_rollout([[step("Generate", tokens)]]).trace)
    assert len(lines) == 2


@pytest.mark.slow
def test_short_bars_are_never_invisible() -> None:
    rollout = make_rollout(
        [[step("Generate", 1), step("GenerateCoT", 10_000)], [step("SelfRefine", 1)]]
    )
    assert [length for _, length, _ in bars(drawn(rollout.trace))] == [1, 40, 1]
