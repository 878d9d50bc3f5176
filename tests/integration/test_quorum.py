"""Fixed graphs that race and look, over the whole pipeline: alike at any concurrency, and sound."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from tests.command import Finished
from tests.integration.conftest import QUIET
from tests.kills.results import differing, results
from tests.prefect_client import client
from warehouse import Warehouse
from warehouse.reader import Reader

pytestmark = pytest.mark.slow

RACING = (
    "evaluate",
    "checkpoint=none",
    "llm=simulated",
    "benchmark.size=20",
    "evaluation.problems=5",
    "evaluation.baselines=[race5_q2,everything_q2,cascade_q3]",
)
CUT = """
SELECT r.policy, r.problem_id, i.layer, i.operator, i.status AS ended, c.status, c.branch,
    c.usage_output_tokens, c.cost_usd, c.error
FROM model_calls AS c
JOIN operator_invocations AS i USING (invocation_id) JOIN rollouts AS r USING (rollout_id)
WHERE c.status = 'cancelled' ORDER BY ALL
"""
SEEN = """
SELECT r.policy, r.problem_id, o.* EXCLUDE (rollout_id)
FROM observations AS o JOIN rollouts AS r USING (rollout_id) ORDER BY ALL
"""


def test_races_end_alike_at_any_concurrency(lamas: Callable[..., Finished], tmp_path: Path) -> None:
    homes = {count: tmp_path / f"at {count}" for count in (1, 8)}
    cut: dict[int, pl.DataFrame] = {}
    seen: dict[int, pl.DataFrame] = {}
    for count, home in homes.items():
        done = lamas(*RACING, *QUIET, f"execution.concurrency={count}", f"home={home}")
        assert done.code == 0, done.stderr
        warehouse = Warehouse.open(home / "warehouse.duckdb")
        assert [item.name for item in warehouse.audit() if item.rows.height] == []
        cut[count], seen[count] = warehouse.query(CUT), warehouse.query(SEEN)
    assert differing(*(results(home) for home in homes.values())) == []
    assert cut[1].height > 0
    assert set(cut[1]["ended"].to_list()) == {"ok", "cancelled"}
    assert cut[1].equals(cut[8])
    assert set(seen[1]["policy"].to_list()) == {"cascade_q3"}
    assert set(seen[1]["stopped"].to_list()) == {True, False}
    assert seen[1].equals(seen[8])


def test_a_race_comes_back_from_the_warehouse_as_it_was_planned_and_seen(
    lamas: Callable[..., Finished], home: Path
) -> None:
    done = lamas(*RACING, *QUIET, f"home={home}")
    assert done.code == 0, done.stderr
    rollouts = Reader(Warehouse.open(home / "warehouse.duckdb")).rollouts(with_calls=True)
    shapes = {str(item.plan.graph) for item in rollouts if item.plan.policy == "race5_q2"}
    assert shapes == {"MultiGenerateCoT ×5 q2"}
    for item in rollouts:
        layers = len(item.plan.graph.layers)
        looked = [seen.layer for seen in item.observed]
        assert looked == (list(range(1, layers + 1)) if item.plan.policy == "cascade_q3" else [])


def test_a_cancelled_operator_is_shown_as_cancelled_with_its_reason(
    lamas: Callable[..., Finished], home: Path, prefect_api: str
) -> None:
    done = lamas(*RACING, "evaluation.baselines=[everything_q2]", f"home={home}")
    assert done.code == 0, done.stderr
    asked = {"task_runs": {"state": {"type": {"any_": ["CANCELLED"]}}}, "limit": 20}
    shown = client(prefect_api).post("task_runs/filter", json=asked).raise_for_status().json()
    assert any("ended: 2 chains agreed" in item["state"]["message"] for item in shown)
