"""What a gateway answered, on its way into the warehouse: landed by it, taken in by the writer."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
from numpy.typing import NDArray

from lamas.domain import CriticalPathLabel, Problem, Rollout, Run
from lamas.domain.served import Feedback, ServedRequest, Trial
from lamas.errors import WarehouseError
from warehouse import rows, schema
from warehouse.landing import insert_landed, landed_file, read_landed, write_parts
from warehouse.schema import EMBEDDING_SIZE
from warehouse.warehouse import Warehouse
from warehouse.writer import RolloutParts, rollout_parts


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A rollout that answered a request, and what its question was."""

    rollout: Rollout
    labels: Sequence[CriticalPathLabel]
    problem: Problem
    embedding: NDArray[np.float32]
    """[384] float32."""


@dataclass(frozen=True, kw_only=True)
class Served:
    """What one gateway did within a short time."""

    run: Run
    """Its start, as it stands."""
    answered: Sequence[Answered] = ()
    requests: Sequence[ServedRequest] = ()
    trials: Sequence[Trial] = ()
    feedback: Sequence[Feedback] = ()
    encoder: str = "float32"
    """Kind of encoder that made the embeddings."""


def write_served(folder: Path, served: Served) -> None:
    """Land `served` in a new `folder`; one that is there stays as it is.

    Raises WarehouseError when it cannot be written.
    """
    problems = [item.problem for item in served.answered]
    embeddings = np.zeros((len(problems), EMBEDDING_SIZE), dtype=np.float32)
    if problems:
        embeddings = np.stack([item.embedding for item in served.answered])
    parts: RolloutParts = (
        (schema.RUNS, partial(rows.fields, [served.run])),
        (
            schema.PROBLEMS,
            partial(rows.problem_columns, problems, embeddings, encoder=served.encoder),
        ),
        *rollout_parts([(item.rollout, item.labels) for item in served.answered], "keep"),
        (schema.SERVED_REQUESTS, partial(rows.fields, served.requests)),
        (schema.TRIALS, partial(rows.fields, served.trials)),
        (schema.FEEDBACK, partial(rows.fields, served.feedback)),
    )
    write_parts(folder, parts)


def merge_served(warehouse: Warehouse, folder: Path) -> int:
    """Store what a gateway landed in `folder`, in one transaction; returns how many rollouts were
    new.

    May be repeated. What was said of a request that has been pruned meanwhile goes with it. Raises
    WarehouseError, and stores nothing, when the folder is damaged.
    """
    rollouts = read_landed(folder)
    with warehouse.writing() as connection:
        for table in (schema.RUNS, schema.PROBLEMS):
            _insert(connection, folder, table.name, "ON CONFLICT DO NOTHING")
        # A start that was stored while it ran may have ended since.
        connection.execute(
            "UPDATE runs SET status = landed.status, ended_at = landed.ended_at, "
            "error = landed.error FROM read_parquet($1) AS landed "
            "WHERE runs.run_id = landed.run_id AND runs.status = 'running' "
            "AND landed.status <> 'running'",
            [landed_file(folder, schema.RUNS.name)],
        )
        new = insert_landed(connection, folder, rollouts)
        _insert(connection, folder, schema.SERVED_REQUESTS.name, "ON CONFLICT DO NOTHING")
        known = "SEMI JOIN served_requests USING (request_id) ON CONFLICT DO NOTHING"
        if Path(landed_file(folder, schema.TRIALS.name)).exists():
            # A gateway of an earlier version, which tried no candidate, may have landed it.
            _insert(connection, folder, schema.TRIALS.name, known)
        _insert(connection, folder, schema.FEEDBACK.name, known)
        return new


def known_request(warehouse: Warehouse, request_id: str) -> bool:
    """Whether a gateway's answer of that id is stored."""
    found = warehouse.query(
        "SELECT 1 AS found FROM served_requests WHERE request_id = $1", [request_id]
    )
    return found.height > 0


def spent_since(warehouse: Warehouse, epoch_seconds: float) -> dict[str, float]:
    """USD that each client's requests have cost since then, by its name."""
    found = warehouse.query(
        "SELECT client, sum(cost_usd) AS usd FROM served_requests "
        "INNER JOIN rollouts USING (rollout_id) WHERE received_at >= $1 GROUP BY client",
        [epoch_seconds],
    )
    return dict(zip(found["client"].to_list(), found["usd"].to_list(), strict=True))


def landed_requests(folder: Path) -> frozenset[str]:
    """Ids of the requests that lie in a folder that landed; WarehouseError when it is damaged."""
    path = landed_file(folder, schema.SERVED_REQUESTS.name)
    try:
        return frozenset(pl.read_parquet(path, columns=["request_id"])["request_id"].to_list())
    except (OSError, pl.exceptions.PolarsError) as error:
        raise WarehouseError(
            f"what a gateway left in {folder} cannot be read ({error}): restore the file, or "
            "move the folder away to go on without it"
        ) from error


def _insert(
    connection: duckdb.DuckDBPyConnection, folder: Path, table: str, condition: str
) -> None:
    connection.execute(
        f"INSERT INTO {table} BY NAME FROM read_parquet($1) {condition}",
        [landed_file(folder, table)],
    )
