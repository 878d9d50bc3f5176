"""What must be equal when two runs are equal: everything but times, run ids and file places."""

from pathlib import Path

import polars as pl

from warehouse import Warehouse

ROLLOUTS = """
SELECT purpose, policy, step, problem_id, sample_index, retry, checkpoint_id, seed, graph, answer,
    score, cost_usd, cp_tokens, virtual_seconds, status
FROM rollouts ORDER BY ALL
"""
DECISIONS = """
SELECT r.purpose, r.policy, r.step, r.problem_id, r.sample_index, r.checkpoint_id, d.layer,
    d.draw_order, d.operator, d.probability, d.log_probability, d.legal
FROM decisions AS d JOIN rollouts AS r USING (rollout_id) ORDER BY ALL
"""
CREDITS = """
SELECT r.step, r.problem_id, r.sample_index, c.* EXCLUDE (rollout_id)
FROM credits AS c JOIN rollouts AS r USING (rollout_id) ORDER BY ALL
"""
UPDATES = """
SELECT step, rollouts, decisions, loss, gradient_norm, entropy, baseline_mean, baseline_scale,
    checkpoint_before, checkpoint_after
FROM updates ORDER BY step
"""
CHECKPOINTS = """
SELECT checkpoint_id, digest, step, status FROM checkpoints ORDER BY step, checkpoint_id
"""
EVALUATIONS = """
SELECT policy, checkpoint_id, metric, value, low, high, n, failed
FROM evaluations WHERE metric NOT LIKE 'makespan%' ORDER BY ALL
"""


def results(home: Path) -> dict[str, pl.DataFrame]:
    """The comparable content of a home folder's warehouse."""
    warehouse = Warehouse.open(home / "warehouse.duckdb")
    queries = {
        "rollouts": ROLLOUTS,
        "decisions": DECISIONS,
        "credits": CREDITS,
        "updates": UPDATES,
        "checkpoints": CHECKPOINTS,
        "evaluations": EVALUATIONS,
    }
    return {name: warehouse.query(query) for name, query in queries.items()}


def assert_equal_results(left: Path, right: Path) -> None:
    """Compare table by table, so that a failure names the first one that differs."""
    of_left, of_right = results(left), results(right)
    for name, frame in of_left.items():
        assert frame.height > 0, f"{name} is empty"
        assert frame.equals(of_right[name]), f"{name} differs"
