"""Slow calls sent a second time in a whole run: the same answers, every request paid and stored."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import Finished
from warehouse import Warehouse

pytestmark = pytest.mark.slow

Run = Callable[..., Finished]

LINE = (
    "tabulate",
    "llm=simulated",
    # Long enough for the slower half of an operator's calls to be told from the faster one.
    "llm.simulated.time_scale=0.02",
    "benchmark.size=12",
    "table.samples=6",
    "execution.granularity=batch",
    "execution.concurrency=1",
)
ANSWERS = """
    SELECT problem_id, operator, branch, stage, response_text, usage_output_tokens
    FROM model_calls JOIN operator_invocations USING (invocation_id)
    JOIN rollouts USING (rollout_id)
    WHERE model_calls.status = 'ok' ORDER BY ALL
"""


def warehouse_of(home: Path) -> Warehouse:
    return Warehouse.open(home / "warehouse.duckdb")


def test_a_hedged_run_has_the_same_answers_and_says_what_they_cost(
    tmp_path: Path, lamas: Run
) -> None:
    plain, home = tmp_path / "plain", tmp_path / "hedged"
    assert lamas(*LINE, f"home={plain}").code == 0
    hedged = lamas(*LINE, f"home={home}", "llm.hedge.quantile=0.5", "llm.hedge.calls=3")
    assert hedged.code == 0, hedged.stderr
    of_hedged = warehouse_of(home)
    assert of_hedged.query(ANSWERS).equals(warehouse_of(plain).query(ANSWERS))
    ((twice, attempts, extra),) = of_hedged.query(
        "SELECT sum(hedged_attempts), sum(attempts), sum(cost_usd_hedges) FROM spending"
    ).rows()
    assert 0 < twice < attempts
    assert extra > 0.0
    assert f"hedged: {twice} of {attempts} calls were sent a second time" in hedged.stderr
    ((more,),) = of_hedged.query(
        "SELECT sum(cost_usd) - sum(hedge_cost_usd) FROM model_calls WHERE status = 'ok'"
    ).rows()
    ((alone,),) = warehouse_of(plain).query("SELECT sum(cost_usd) FROM model_calls").rows()
    assert more == pytest.approx(alone)
    assert lamas("audit", f"home={home}").code == 0
