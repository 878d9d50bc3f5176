"""The running figures, and how they are shown where nobody watches."""

import asyncio
import io

import httpx
import pytest
from rich.console import Console

from flows.rollouts import progress
from flows.rollouts.progress import CollectProgress, on_terminal, publish
from tests.factories import Step, make_rollout, step

GOOD = make_rollout([[step("Generate", 100, cost_usd=0.5)]], score=1.0)
BAD = make_rollout([[step("Generate", 300, cost_usd=0.25)]], score=0.0)
FAILED = make_rollout([[Step(operator="Generate", error="HTTP 500")]])


def test_figures_are_means_over_what_did_not_fail() -> None:
    figures = CollectProgress("collect", 4)
    for rollout in (GOOD, BAD, FAILED):
        figures.add(rollout)
    text = figures.figures()
    assert text.startswith("3/4 rollouts, score 50.0 %, CP_len 200 tokens, ")
    assert f"{GOOD.cost_usd + BAD.cost_usd + FAILED.cost_usd:.4f} USD" in text
    assert "1 failed" in text
    assert "s left" in text
    assert figures.percent == 75.0


def test_nothing_done_and_all_done_promise_no_time() -> None:
    figures = CollectProgress("collect", 1)
    assert figures.figures() == "0/1 rollouts, 0.0000 USD"
    figures.add(FAILED)
    assert "left" not in figures.figures()
    assert "score" not in figures.figures()
    assert figures.percent == 100.0
    assert CollectProgress("nothing", 0).percent == 100.0


async def test_where_no_terminal_is_a_line_now_and_then_and_one_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "TERMINAL_LINE_SECONDS", 1e9)
    out = io.StringIO()
    figures = CollectProgress("collect step 1", 1)
    with on_terminal(figures, Console(file=out, width=40)):
        figures.add(GOOD)
    lines = out.getvalue().splitlines()
    assert lines == [f"  collect step 1: {figures.figures()}"]


@pytest.mark.slow
async def test_the_last_line_is_shown_also_when_it_ends_badly() -> None:
    out = io.StringIO()
    with (
        pytest.raises(ValueError, match="stop"),
        on_terminal(CollectProgress("c", 2), Console(file=out)),
    ):
        raise ValueError("stop")
    assert out.getvalue() == ""


async def test_a_server_that_takes_no_progress_is_nobodys_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = asyncio.Event()

    async def refused(**given: object) -> None:
        asked.set()
        raise httpx.ConnectError("nobody is there")

    monkeypatch.setattr("flows.rollouts.progress.acreate_progress_artifact", refused)
    await publish(CollectProgress("collect", 1), asyncio.Event())
    assert asked.is_set()
