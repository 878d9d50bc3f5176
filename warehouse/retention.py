"""What may be deleted of a warehouse, and how it is left behind: by copying out what stays.

DuckDB refuses to delete a row and what refers to it in one transaction, and keeps the space of
deleted rows. So the rows that stay go into a new file, which takes the old one's place at once.
"""

import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from lamas.errors import WarehouseError
from warehouse.connection import transaction
from warehouse.snapshot import copy_file
from warehouse.warehouse import Warehouse

# What of a run outlives it where something that stays refers to it.
_OUTLIVE_RUN = ("runs", "checkpoints", "promotions", "latency_models")

_MEMBERS_OF_GONE = """
INSERT INTO gone
SELECT DISTINCT members.run_id
FROM old.comparison_members AS members
WHERE members.comparison_run_id IN (FROM gone) AND members.run_id NOT IN (FROM gone)
"""

_NEEDED = """
INSERT INTO needed
SELECT DISTINCT run_id, any_value(reason)
FROM (
    SELECT members.run_id, 'a member of comparison ' || members.comparison_run_id AS reason
    FROM old.comparison_members AS members
    WHERE members.comparison_run_id NOT IN (FROM gone)
    UNION ALL
    SELECT resting.run_id, 'credits that stay use its latency model ' || used.latency_model_id
    FROM (
        SELECT DISTINCT credits.latency_model_id
        FROM old.credits
        INNER JOIN old.rollouts USING (rollout_id)
        WHERE credits.latency_model_id IS NOT NULL AND rollouts.run_id NOT IN (FROM gone)
    ) AS used
    INNER JOIN old.predicted_seconds AS predicted USING (latency_model_id)
    INNER JOIN old.operator_invocations AS invocations USING (invocation_id)
    INNER JOIN old.rollouts AS resting USING (rollout_id)
    WHERE predicted.held_out
)
WHERE run_id IN (FROM gone)
GROUP BY run_id
"""

# The champion, those a rollback leads back to, what rows that stay refer to, and all ancestors.
_KEPT_CHECKPOINTS = """
CREATE TEMP TABLE kept_checkpoints AS
WITH RECURSIVE kept (checkpoint_id) AS (
    (
        SELECT checkpoint_id FROM old.checkpoints
        WHERE status = 'champion' OR run_id NOT IN (FROM gone)
        UNION
        SELECT checkpoint_id FROM old.rollouts WHERE run_id NOT IN (FROM gone)
        UNION
        SELECT checkpoint_id FROM old.evaluations WHERE run_id NOT IN (FROM gone)
        UNION
        SELECT unnest([checkpoint_before, checkpoint_after]) FROM old.updates
        WHERE run_id NOT IN (FROM gone)
        UNION
        SELECT unnest([champion_id, candidate_id])
        FROM old.trials
        INNER JOIN old.served_requests USING (request_id)
        WHERE run_id NOT IN (FROM gone)
        UNION
        SELECT checkpoint_id FROM old.tagged_champions
    )
    UNION
    (
        SELECT links.before_id
        FROM kept
        INNER JOIN (
            SELECT checkpoint_id, parent_id AS before_id FROM old.checkpoints
            UNION ALL
            SELECT checkpoint_id, previous_checkpoint_id FROM old.promotions
            WHERE decision <> 'rejected'
        ) AS links USING (checkpoint_id)
    )
)
SELECT checkpoint_id FROM kept WHERE checkpoint_id IS NOT NULL
"""

# A latency model's figures rest on the predictions for its held-out rollouts: all of them or none.
_KEPT_MODELS = """
CREATE TEMP TABLE kept_models AS
SELECT latency_model_id FROM old.latency_models
WHERE latency_model_id NOT IN (
    SELECT predicted.latency_model_id
    FROM old.predicted_seconds AS predicted
    INNER JOIN old.operator_invocations USING (invocation_id)
    INNER JOIN old.rollouts USING (rollout_id)
    WHERE rollouts.run_id IN (FROM gone)
)
"""

_KEPT_RUNS = """
CREATE TEMP TABLE kept_runs AS
SELECT run_id FROM old.runs WHERE run_id NOT IN (FROM gone)
UNION
SELECT run_id FROM old.checkpoints WHERE checkpoint_id IN (FROM kept_checkpoints)
UNION
SELECT run_id FROM old.promotions
WHERE
    checkpoint_id IN (FROM kept_checkpoints)
    AND (previous_checkpoint_id IS NULL OR previous_checkpoint_id IN (FROM kept_checkpoints))
    AND run_id IS NOT NULL
UNION
SELECT run_id FROM old.latency_models
WHERE latency_model_id IN (FROM kept_models) AND run_id IS NOT NULL
"""

_FILTERS = {
    "runs": "run_id IN (FROM kept_runs)",
    "checkpoints": "checkpoint_id IN (FROM kept_checkpoints)",
    "latency_models": "latency_model_id IN (FROM kept_models)",
}

_REPORT = """
SELECT
    runs.run_id,
    runs.kind,
    runs.status,
    runs.started_at,
    (SELECT count(*) FROM old.rollouts WHERE rollouts.run_id = runs.run_id) AS rollouts,
    (
        SELECT count(*) FROM old.checkpoints
        WHERE checkpoints.run_id = runs.run_id AND checkpoint_id IN (FROM kept_checkpoints)
    ) AS kept_checkpoints,
    needed.reason
FROM old.runs
LEFT JOIN needed USING (run_id)
WHERE runs.run_id IN (FROM gone) OR needed.run_id IS NOT NULL
ORDER BY runs.started_at, runs.run_id
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class PrunedRun:
    """A run that goes, or was asked to go and stays."""

    run_id: str
    kind: str
    status: str
    started_at: float
    rollouts: int
    kept_checkpoints: int
    """Checkpoints of it that stay, with the row of the run: something that stays needs them."""
    stays_because: str | None
    """None when it goes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pruning:
    """What is, or would be, deleted."""

    runs: tuple[PrunedRun, ...]
    checkpoint_paths: tuple[str, ...]
    """Files of the checkpoints that go, as the warehouse names them."""

    @property
    def gone(self) -> tuple[str, ...]:
        """Ids of the runs that go."""
        return tuple(run.run_id for run in self.runs if run.stays_because is None)


def ended_before(warehouse: Warehouse, epoch_seconds: float) -> tuple[str, ...]:
    """Runs that ended, or began and never ended, before a time."""
    frame = warehouse.query(
        "SELECT run_id FROM runs WHERE coalesce(ended_at, started_at) < ? ORDER BY run_id",
        [epoch_seconds],
    )
    return tuple(frame["run_id"].to_list())


def prune(warehouse: Warehouse, run_ids: Sequence[str], *, apply: bool) -> Pruning:
    """Delete runs with all that hangs on them, or only say what would go.

    Members go with their comparison. What something that stays refers to stays too: champions and
    their ancestors with the rows of their runs, members of other comparisons, runs that a latency
    model in use rests on. Nobody else may write meanwhile. Either everything is deleted, or
    nothing; it needs as much free disk as what stays.
    """
    old = warehouse.path.with_name(f".{warehouse.path.name}.{uuid.uuid4().hex[:8]}.old")
    new = old.with_suffix(".new")
    try:
        copy_file(warehouse, old)
        Warehouse.open(new, create=True)
        pruning = _written(old, new, run_ids, apply=apply)
        if apply and pruning.gone:
            # Folds a log that a killed writer left into the file that is replaced, or it would be
            # taken for the new one's.
            with warehouse.writing():
                pass
            os.replace(new, warehouse.path)
    except (OSError, duckdb.Error) as error:
        reason = str(error).split("\n", 1)[0]
        raise WarehouseError(
            f"warehouse {warehouse.path} cannot be pruned ({reason}), nothing was deleted: "
            "make room beside it, and try again"
        ) from error
    else:
        return pruning
    finally:
        for place in (old, new):
            place.unlink(missing_ok=True)
            Path(f"{place}.wal").unlink(missing_ok=True)


def _written(old: Path, new: Path, run_ids: Sequence[str], *, apply: bool) -> Pruning:
    """Choose from `old`; with `apply`, copy what stays into `new`."""
    with duckdb.connect(str(new)) as connection:
        connection.execute("SET enable_progress_bar = false")
        path = str(old).replace("'", "''")
        connection.execute(f"ATTACH '{path}' AS old (READ_ONLY)")
        pruning = _chosen(connection, run_ids)
        if apply and pruning.gone:
            with transaction(connection):
                _copy_out(connection)
        connection.execute("DETACH old")
        return pruning


def _chosen(connection: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> Pruning:
    """Fills the tables `gone`, `needed` and `kept_…`."""
    connection.execute("CREATE TEMP TABLE gone (run_id VARCHAR)")
    connection.execute("CREATE TEMP TABLE needed (run_id VARCHAR, reason VARCHAR)")
    connection.execute(
        "INSERT INTO gone SELECT run_id FROM old.runs WHERE run_id IN (SELECT unnest(?))",
        [list(run_ids)],
    )
    connection.execute(_MEMBERS_OF_GONE)
    while True:
        before = _count(connection, "needed")
        connection.execute(_NEEDED)
        if _count(connection, "needed") == before:
            break
        connection.execute("DELETE FROM gone WHERE run_id IN (SELECT run_id FROM needed)")
    for statement in (_KEPT_CHECKPOINTS, _KEPT_MODELS, _KEPT_RUNS):
        connection.execute(statement)
    runs = tuple(
        PrunedRun(
            run_id=run_id,
            kind=kind,
            status=status,
            started_at=started_at,
            rollouts=rollouts,
            kept_checkpoints=kept,
            stays_because=reason,
        )
        for run_id, kind, status, started_at, rollouts, kept, reason in connection.execute(
            _REPORT
        ).fetchall()
    )
    paths = connection.execute(
        "SELECT path FROM old.checkpoints WHERE checkpoint_id NOT IN (FROM kept_checkpoints) "
        "EXCEPT SELECT path FROM old.checkpoints WHERE checkpoint_id IN (FROM kept_checkpoints)"
    ).fetchall()
    return Pruning(runs=runs, checkpoint_paths=tuple(sorted(path for (path,) in paths)))


def _copy_out(connection: duckdb.DuckDBPyConnection) -> None:
    """Every row that stays: parents first, a row only if what it refers to stays."""
    links = _links(connection)
    for table in _in_order(connection, links):
        conditions = [_FILTERS.get(table, "true")]
        own_keys: list[str] = []
        for columns, target, keys in links.get(table, []):
            if target == table:
                own_keys = keys
            conditions.append(_present(columns, target, keys))
            if target == "runs" and table not in _OUTLIVE_RUN:
                conditions.append(f"{columns[0]} NOT IN (FROM gone)")
        statement = f"INSERT INTO {table} BY NAME FROM old.{table} WHERE {' AND '.join(conditions)}"
        if not own_keys:
            connection.execute(statement)
            continue
        # Rows that refer to their own table: one generation after the other.
        key = own_keys[0]
        statement += f" AND {key} NOT IN (SELECT {key} FROM {table})"
        while connection.execute(statement).fetchone() not in (None, (0,)):
            pass


def _present(columns: Sequence[str], target: str, keys: Sequence[str]) -> str:
    """Whether a row refers to nothing, or to a row that was copied already."""
    left, right = ", ".join(columns), ", ".join(keys)
    return f"({columns[0]} IS NULL OR ({left}) IN (SELECT ({right}) FROM {target}))"


_Links = dict[str, list[tuple[list[str], str, list[str]]]]


def _links(connection: duckdb.DuckDBPyConnection) -> _Links:
    """(columns, table referred to, its key) of every table's foreign keys."""
    found = connection.execute(
        "SELECT table_name, constraint_column_names, referenced_table, referenced_column_names "
        "FROM duckdb_constraints() "
        "WHERE constraint_type = 'FOREIGN KEY' AND database_name = current_database()"
    ).fetchall()
    links: _Links = {}
    for table, columns, target, keys in found:
        links.setdefault(table, []).append((columns, target, keys))
    return links


def _in_order(connection: duckdb.DuckDBPyConnection, links: _Links) -> list[str]:
    """All tables of the schema but its own bookkeeping, each after those it refers to."""
    found = connection.execute(
        "SELECT table_name FROM duckdb_tables() "
        "WHERE database_name = current_database() AND table_name NOT LIKE 'schema_%' "
        "ORDER BY table_name"
    ).fetchall()
    waiting, placed = [name for (name,) in found], list[str]()
    while waiting:
        ready = [
            name
            for name in waiting
            if all(target in placed or target == name for _, target, _ in links.get(name, []))
        ]
        placed += ready
        waiting = [name for name in waiting if name not in ready]
    return placed


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(found[0]) if found else 0
