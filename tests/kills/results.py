"""What must be equal when two runs are equal: everything but times, run ids and file places."""

import hashlib
from pathlib import Path

import polars as pl

from warehouse import Warehouse

QUERIES = {
    "rollouts": """
        SELECT purpose, policy, step, problem_id, sample_index, retry, checkpoint_id, seed, graph,
            answer, score, cost_usd, cp_tokens, virtual_seconds, status
        FROM rollouts ORDER BY ALL
    """,
    "decisions": """
        SELECT r.purpose, r.policy, r.step, r.problem_id, r.sample_index, r.checkpoint_id, d.layer,
            d.draw_order, d.operator, d.probability, d.log_probability, d.legal
        FROM decisions AS d JOIN rollouts AS r USING (rollout_id) ORDER BY ALL
    """,
    "answers": """
        SELECT r.purpose, r.policy, r.step, r.problem_id, r.sample_index, i.layer, i.operator,
            c.request_seed, c.response_text, c.usage_input_tokens, c.usage_output_tokens, c.cost_usd
        FROM model_calls AS c
        JOIN operator_invocations AS i USING (invocation_id)
        JOIN rollouts AS r USING (rollout_id)
        WHERE c.status = 'ok' ORDER BY ALL
    """,
    "credits": """
        SELECT r.step, r.problem_id, r.sample_index, c.* EXCLUDE (rollout_id)
        FROM credits AS c JOIN rollouts AS r USING (rollout_id) ORDER BY ALL
    """,
    "updates": """
        SELECT step, rollouts, decisions, loss, gradient_norm, entropy, baseline_mean,
            baseline_scale, checkpoint_before, checkpoint_after
        FROM updates ORDER BY step
    """,
    "checkpoints": """
        SELECT checkpoint_id, digest, step, status FROM checkpoints ORDER BY step, checkpoint_id
    """,
    "evaluations": """
        SELECT policy, checkpoint_id, metric, value, low, high, n, failed
        FROM evaluations WHERE metric NOT LIKE 'makespan%' ORDER BY ALL
    """,
    "promotions": """
        SELECT promotion_number, decision, checkpoint_id, previous_checkpoint_id
        FROM promotions ORDER BY promotion_number
    """,
}


def results(home: Path) -> dict[str, pl.DataFrame]:
    """The comparable content of a home folder: tables of its warehouse, its checkpoint files."""
    warehouse = Warehouse.open(home / "warehouse.duckdb")
    found = {name: warehouse.query(query) for name, query in QUERIES.items()}
    return {**found, "checkpoint files": _files(home, warehouse)}


def differing(left: dict[str, pl.DataFrame], right: dict[str, pl.DataFrame]) -> list[str]:
    """Names of what differs between two `results`."""
    return [name for name, frame in left.items() if not frame.equals(right[name])]


def _files(home: Path, warehouse: Warehouse) -> pl.DataFrame:
    rows = warehouse.query(
        "SELECT checkpoint_id, path FROM checkpoints ORDER BY checkpoint_id"
    ).rows()
    digests = [hashlib.sha256((home / path).read_bytes()).hexdigest() for _, path in rows]
    return pl.DataFrame(
        {"checkpoint_id": [str(name) for name, _ in rows], "sha256": digests},
        schema={"checkpoint_id": pl.String, "sha256": pl.String},
    )
