"""Limits of output tokens from history: begun with, kept by a run that goes on, seen where cut."""

import asyncio
import math
import statistics
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.run.opening import session
from flows.settings.compose import load_settings
from tests.command import Finished
from tests.integration.conftest import QUIET
from warehouse import Warehouse
from warehouse.answer_lengths import AnswerLengths

pytestmark = pytest.mark.slow

Run = Callable[..., Finished]

TABLE = ("llm=simulated", "benchmark.size=15", "table.samples=2")
HISTORY = (
    "operators.max_tokens_from=history",
    "operators.history.calls=6",
    # The median, so that half of the answers are cut.
    "operators.history.quantile=0.5",
    "operators.history.head_room=1",
)
CALLS = """
    SELECT operator, request_max_tokens, usage_output_tokens,
        list_contains(response_finish_reasons, 'length')
    FROM model_calls JOIN operator_invocations USING (invocation_id)
    JOIN rollouts USING (rollout_id)
    WHERE run_id = ?
"""


def warehouse_of(home: Path) -> Warehouse:
    return Warehouse.open(home / "warehouse.duckdb")


def run_ids(home: Path) -> list[str]:
    rows = warehouse_of(home).query("SELECT run_id FROM runs ORDER BY started_at").rows()
    return [str(name) for (name,) in rows]


async def stopped_at_once(options: list[str]) -> None:
    with pytest.raises(asyncio.CancelledError):
        async with session("tabulate", options):
            raise asyncio.CancelledError


def test_a_run_takes_its_limits_from_earlier_ones_and_keeps_them(home: Path, lamas: Run) -> None:
    at = f"home={home}"
    before = lamas("tabulate", *TABLE, *QUIET, "seed=3", at)
    assert before.code == 0, before.stderr
    assert warehouse_of(home).query("FROM token_limits").is_empty()
    seen: dict[str, list[int]] = {}
    for operator, _, tokens, _ in warehouse_of(home).query(CALLS, run_ids(home)).rows():
        seen.setdefault(operator, []).append(tokens)

    # A run that begins and is stopped before it asks anything.
    asyncio.run(stopped_at_once([*TABLE, *HISTORY, *QUIET, "seed=4", at]))
    run_id = run_ids(home)[1]
    limits = {item.operator: item for item in AnswerLengths(warehouse_of(home)).limits(run_id)}
    for operator in ("Generate", "GenerateCoT", "MultiGenerateCoT"):
        median = statistics.median(seen[operator])
        assert limits[operator].quantile_tokens == median
        assert limits[operator].max_tokens == min(math.ceil(median), 1024)
        assert limits[operator].calls == len(seen[operator])
    # Never asked before, and so as configured.
    assert (limits["SelfRefine"].max_tokens, limits["SelfRefine"].calls) == (1024, 0)
    assert limits["ScEnsemble"].max_tokens == limits["ScEnsemble"].configured == 64
    assert all(item.max_tokens <= item.configured for item in limits.values())

    # What others answer meanwhile changes nothing for it.
    meanwhile = lamas("tabulate", *TABLE, *QUIET, "seed=5", at)
    assert meanwhile.code == 0, meanwhile.stderr
    after = lamas("tabulate", *TABLE, *HISTORY, *QUIET, "seed=4", at)
    assert after.code == 0, after.stderr
    assert "taken up again" in after.stderr
    stored = AnswerLengths(warehouse_of(home)).limits(run_id)
    assert {item.operator: item for item in stored} == limits
    calls = warehouse_of(home).query(CALLS, [run_id]).rows()
    assert any(cut for *_, cut in calls)
    for operator, sent, tokens, cut in calls:
        assert sent == limits[operator].max_tokens
        assert tokens < sent or (tokens == sent and cut)
    shown = lamas("sql", "--file=warehouse/queries/which_answers_were_cut.sql", at)
    assert shown.code == 0, shown.stderr
    assert [item.name for item in warehouse_of(home).audit() if item.rows.height] == []


def test_limits_from_history_are_part_of_what_a_run_is_found_by() -> None:
    plain, limited = (
        load_settings(options).result_digest("retrain", prompts="p")
        for options in (["llm=simulated"], ["llm=simulated", *HISTORY])
    )
    assert plain != limited
