"""Second requests in a whole run: no other answers, their cost told, none where nothing waits."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import Finished
from warehouse import Warehouse

pytestmark = pytest.mark.slow

Run = Callable[..., Finished]

TABLE = (
    "tabulate",
    "llm=simulated",
    "benchmark.size=15",
    "table.samples=2",
    "seed=3",
    "execution.granularity=batch",
    "execution.concurrency=1",
    # Every fifth answer takes twenty times as long as it should.
    "llm.simulated.faults.latency_spike=0.2",
    "llm.simulated.faults.spike_factor=20",
)
HEDGED = ("llm.hedge.quantile=0.7", "llm.hedge.calls=3")
WAITING = "llm.simulated.time_scale=0.01"
ANSWERS = """
    SELECT problem_id, policy, sample_index, retry, status, extracted_answer, score, cp_tokens
    FROM rollouts ORDER BY ALL
"""
HEDGES = """
    SELECT sum(hedged_attempts), sum(won_hedges), sum(cost_usd_hedges), sum(cost_usd),
        (SELECT sum(cost_usd) FROM rollouts)
    FROM spending
"""


def test_a_hedged_run_has_the_answers_of_one_that_is_not(tmp_path: Path, lamas: Run) -> None:
    places = {name: tmp_path / name for name in ("plain", "hedged", "still")}
    options = {"plain": (WAITING,), "hedged": (WAITING, *HEDGED), "still": HEDGED}
    said: dict[str, str] = {}
    for name, place in places.items():
        ended = lamas(*TABLE, *options[name], f"home={place}")
        assert ended.code == 0, ended.stderr
        said[name] = ended.stderr
    stored = {name: Warehouse.open(place / "warehouse.duckdb") for name, place in places.items()}
    plain, hedged, still = (stored[name].query(ANSWERS) for name in places)
    assert plain.equals(hedged)
    assert plain.equals(still)
    sent, won, extra, cost, paid = stored["hedged"].query(HEDGES).row(0)
    assert 0 < won <= sent
    assert 0.0 < extra < cost == pytest.approx(paid)
    assert f"hedged: {sent} of " in said["hedged"]
    # Where no seconds pass there is nothing to be slow.
    assert stored["still"].query(HEDGES).row(0)[:3] == (0, 0, 0.0)
    assert "hedged: 0 of " in said["still"]
    assert "hedged: " not in said["plain"]
    for warehouse in stored.values():
        assert [item.name for item in warehouse.audit() if item.rows.height] == []
