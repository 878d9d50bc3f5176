"""The whole pipeline over real HTTP against the simulated endpoint, through the real command."""

import json
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.cli.printing import read_sql_file
from tests.command import Finished
from tests.house import ROOT
from tests.integration.conftest import QUIET, SMALL, answers_in
from tests.integration.results import assert_equal_results
from tests.patience import patience
from tests.warm import Starter
from warehouse import Warehouse

pytestmark = pytest.mark.slow

Run = Callable[..., Finished]

FAULTS = (
    "llm.simulated.faults.rate_limited=0.10",
    "llm.simulated.faults.server_error=0.05",
    "llm.simulated.faults.malformed=0.02",
    "llm.simulated.faults.hang=0.01",
    "llm.simulated.faults.retry_after_seconds=0",
    "llm.retry.backoff_seconds=0.01",
)


def _query(home: Path, sql: str) -> list[tuple[object, ...]]:
    return Warehouse.open(home / "warehouse.duckdb").query(sql).rows()


def test_a_retrain_fills_every_table_and_every_audit_is_clean(
    undisturbed: Path, lamas: Run
) -> None:
    tables = {
        "runs": 1,
        "problems": 30,
        "checkpoints": 3,
        "updates": 2,
        "rollouts": 2 * 2 * 2 + 3 * 3,
        "promotions": 1,
    }
    for table, rows in tables.items():
        assert _query(undisturbed, f"SELECT count(*) FROM {table}") == [(rows,)], table
    for table in ("decisions", "operator_invocations", "model_calls", "critical_path_labels"):
        assert _query(undisturbed, f"SELECT count(*) > 20 FROM {table}") == [(True,)], table
    audit = lamas("audit", f"home={undisturbed}")
    assert audit.code == 0, audit.stdout
    assert "0 with findings" in audit.stdout


def test_sql_repeats_the_reported_figures_to_the_last_bit(undisturbed: Path) -> None:
    reported = _query(
        undisturbed,
        "SELECT policy, checkpoint_id, metric, value FROM evaluations "
        "WHERE metric IN ('score', 'cost_usd', 'cp_tokens_mean') ORDER BY ALL",
    )
    recomputed = _query(
        undisturbed,
        """
        WITH ok AS (
            SELECT *, row_number() OVER (ORDER BY step, problem_id, policy, sample_index) AS place
            FROM rollouts WHERE purpose = 'evaluate' AND status = 'ok'
        ), figures AS (
            SELECT policy, checkpoint_id, count(*) AS n,
                list(score ORDER BY place) AS score, list(cost_usd ORDER BY place) AS cost_usd,
                list(cp_tokens ORDER BY place) AS cp_tokens
            FROM ok GROUP BY ALL
        ), sums AS (
            SELECT policy, checkpoint_id,
                list_reduce(score, lambda a, b: a + b, 0.0::DOUBLE) / n AS score,
                list_reduce(cost_usd, lambda a, b: a + b, 0.0::DOUBLE) / n AS cost_usd,
                list_reduce(cp_tokens, lambda a, b: a + b, 0.0::DOUBLE) / n AS cp_tokens_mean
            FROM figures
        )
        SELECT policy, checkpoint_id, metric, value
        FROM (UNPIVOT sums ON score, cost_usd, cp_tokens_mean
              INTO NAME metric VALUE value)
        ORDER BY ALL
        """,
    )
    assert reported == recomputed
    assert len(reported) == 3 * 3


def test_concurrency_changes_no_result(undisturbed: Path, home: Path, lamas: Run) -> None:
    again = lamas("retrain", *SMALL, *QUIET, "seed=7", f"home={home}", "execution.concurrency=32")
    assert again.code == 0, again.stderr
    assert_equal_results(undisturbed, home)


def test_a_run_that_is_told_to_stop_ends_like_an_undisturbed_one(
    undisturbed: Path, home: Path, warm: Starter
) -> None:
    """Killed runs are the campaign's subject: `tests/flows/test_kills.py`."""
    arguments = ("retrain", *SMALL, "seed=7", f"home={home}", "llm.simulated.time_scale=0.02")
    process = warm(*arguments)
    process.until(lambda: answers_in(home / "responses.sqlite") > 15)
    process.send_signal(signal.SIGTERM)
    code, said = process.ended()
    assert code == 130, said
    assert said.endswith("the same command goes on from there\n")
    assert "ERROR" not in said
    assert "Traceback" not in said
    assert _query(home, "SELECT status FROM runs") == [("cancelled",)]
    code, said = warm(*arguments).ended()
    assert code == 0, said
    assert "taken up again" in said
    assert_equal_results(undisturbed, home)
    assert _query(home, "SELECT count(*) FROM runs") == [(1,)]
    # Every recorded response belongs to exactly one stored call: none was asked for again.
    stored = _query(home, "SELECT count(DISTINCT call_id) FROM model_calls WHERE status = 'ok'")
    assert stored == [(answers_in(home / "responses.sqlite"),)]


def test_caps_hold_over_stops_and_cost_nothing_but_time(
    undisturbed: Path, home: Path, lamas: Run
) -> None:
    arguments = ("retrain", *SMALL, *QUIET, "seed=7", f"home={home}")
    for cap in (15, 15, 30):
        stopped = lamas(*arguments, f"llm.max_calls={cap}")
        assert stopped.code == 1
        last = stopped.stderr.splitlines()[-1]
        assert f"llm.max_calls={cap} is reached" in last
        assert "start the same command again" in last
        assert answers_in(home / "responses.sqlite") <= cap
    paid = _query(
        undisturbed, "SELECT sum(cost_usd) FROM rollouts WHERE purpose = 'train' AND step = 1"
    )
    assert isinstance(paid[0][0], float)
    stopped = lamas(*arguments, f"llm.max_usd={paid[0][0]}")
    assert stopped.code == 1
    assert "llm.max_usd=" in stopped.stderr.splitlines()[-1]
    assert _spent(home) <= paid[0][0]
    assert _query(home, "SELECT status FROM runs") == [("cancelled",)]
    finished = lamas(*arguments)
    assert finished.code == 0, finished.stderr
    assert_equal_results(undisturbed, home)
    assert _query(home, "SELECT count(*) FROM runs") == [(1,)]


def test_faults_are_rows_and_never_rewards(home: Path, lamas: Run) -> None:
    arguments = (
        "llm=simulated",
        "learner=reinforce",
        "seed=3",
        f"home={home}",
        *FAULTS,
        # What hangs is given up, what a busy machine answers late is not.
        f"llm.first_chunk_timeout_seconds={patience(0.7):.1f}",
        f"llm.total_timeout_seconds={patience(0.7):.1f}",
        "benchmark.size=50",
        "training.steps=2",
        "training.problems_per_step=10",
        "training.rollouts_per_problem=4",
        "evaluation.problems=10",
        "evaluation.baselines=[]",
        # Two attempts: some calls must really fail for good.
        "llm.retry.attempts=2",
        "execution.granularity=rollout",
    )
    finished = lamas("retrain", *arguments)
    assert finished.code == 0, finished.stderr
    assert _query(home, "SELECT count(*) FROM rollouts") == [(100,)]
    kinds = {str(row[0]) for row in _query(home, "SELECT DISTINCT error FROM model_calls")}
    for reason in ("429", "500", "timeout", "malformed"):
        assert any(reason in kind.lower() for kind in kinds), (reason, kinds)
    failed = _query(home, "SELECT count(*), count(error) FROM rollouts WHERE status = 'failed'")
    assert failed[0][0] == failed[0][1]
    assert isinstance(failed[0][0], int)
    assert failed[0][0] > 0
    in_credits = "SELECT count(*) FROM credits JOIN rollouts USING (rollout_id) WHERE score IS NULL"
    assert _query(home, in_credits) == [(0,)]
    counted = _query(
        home, "SELECT sum(rollouts + failed_rollouts), sum(failed_rollouts) FROM updates"
    )
    failed_training = _query(
        home, "SELECT count(*) FROM rollouts WHERE status = 'failed' AND purpose = 'train'"
    )
    assert counted == [(80, failed_training[0][0])]
    assert lamas("audit", f"home={home}").code == 0


def test_stages_run_one_by_one_from_the_warehouse(home: Path, lamas: Run) -> None:
    options = (*SMALL, *QUIET, "seed=1", f"home={home}")
    for stage in ("prepare", "collect", "credit", "update", "evaluate"):
        finished = lamas(stage, *options)
        assert finished.code == 0, (stage, finished.stderr)
        assert lamas("audit", f"home={home}").code == 0, stage
    kinds = _query(home, "SELECT kind, status FROM runs ORDER BY started_at")
    assert kinds == [
        (stage, "completed") for stage in ("prepare", "collect", "credit", "update", "evaluate")
    ]
    assert _query(home, "SELECT count(*) FROM updates") == [(1,)]


def test_ask_draws_the_graph_of_a_trained_controller(undisturbed: Path, lamas: Run) -> None:
    checkpoint = _query(undisturbed, "SELECT max_by(checkpoint_id, step) FROM checkpoints")[0][0]
    asked = lamas(
        *("ask", "What is 17 + 25?", *SMALL, *QUIET),
        f"home={undisturbed}",
        f"checkpoint={checkpoint}",
    )
    assert asked.code == 0, asked.stderr
    assert "graph: " in asked.stdout
    assert "█" in asked.stdout
    assert "CP_len" in asked.stdout


def test_sql_prints_tables_and_json(undisturbed: Path, lamas: Run) -> None:
    printed = lamas("sql", "SELECT count(*) AS n FROM problems", f"home={undisturbed}")
    assert printed.stdout.split() == ["n", "30", "(1", "row)"]
    as_json = lamas(
        "sql", f"home={undisturbed}", "SELECT count(*) AS n FROM updates", "--format", "json"
    )
    assert json.loads(as_json.stdout) == [{"n": 2}]
    file = "warehouse/queries/who_wins.sql"
    assert lamas("sql", "--file", file, f"home={undisturbed}").code == 0


@pytest.mark.parametrize(
    "path",
    sorted(
        path
        for name in ("queries", "reports")
        for path in (ROOT / "warehouse" / name).rglob("*.sql")
    ),
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_every_query_answers(path: Path, undisturbed: Path) -> None:
    Warehouse.open(undisturbed / "warehouse.duckdb").query(read_sql_file(path), run_id="latest")


def _spent(home: Path) -> float:
    """USD that all recorded responses cost, whether their rollouts finished or not."""
    with sqlite3.connect(home / "responses.sqlite") as connection:
        rows = connection.execute("SELECT attempts FROM responses").fetchall()
    return sum(float(attempt["cost_usd"]) for (row,) in rows for attempt in json.loads(row))
