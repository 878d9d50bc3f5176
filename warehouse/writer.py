"""How records enter the warehouse: whole batches, each in one transaction, twice is once."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import duckdb
import numpy as np
from numpy.typing import NDArray

from lamas.domain import (
    Checkpoint,
    ComparisonEstimate,
    ComparisonMember,
    Credit,
    CriticalPathLabel,
    EvaluationMetric,
    Problem,
    Rollout,
    Run,
    RunStatus,
    Update,
)
from lamas.domain.latency import LatencyFit, PredictedSeconds
from lamas.domain.served import Feedback
from lamas.domain.serving import LengthProfile, SimulatedCell, SimulatedRecords
from lamas.domain.table_fit import OperatingPointRecord, TableFitRecord
from lamas.domain.texts import Texts, with_texts
from lamas.domain.token_limit import TokenLimit
from lamas.errors import WarehouseError
from warehouse import rows, schema
from warehouse.arrow import ArrowTable, Columns, Layout, arrow_table, layout_of
from warehouse.inserting import append, insert, known
from warehouse.schema import Table
from warehouse.warehouse import Begin, Warehouse

LabelledRollout = tuple[Rollout, Sequence[CriticalPathLabel]]

RolloutParts = Sequence[tuple[Table, Callable[[list[str]], Columns]]]
"""Tables, and what makes the columns of each by their names."""

ROLLOUTS_IN_TRANSACTION = 256


class Writer:
    """The single author of a warehouse's rows.

    Every method may be repeated: rows already stored are left as they are. Each is one transaction,
    unless it says otherwise.
    A row that contradicts a stored one (another split for the same problem, another reward for the
    same decision) is a WarehouseError and nothing of the batch is stored. Rollouts are
    measurements: of two with the same identifier the first one stands, with all its parts.
    """

    def __init__(self, warehouse: Warehouse, *, texts: Texts = "keep") -> None:
        """`texts` says what is kept of prompts and answers."""
        self._warehouse = warehouse
        self._texts: Texts = texts
        self._layouts: dict[str, Layout] = {}

    def add_run(self, run: Run) -> None:
        """Store a run, or take a stored one that did not complete up again (status `running`)."""
        with self._warehouse.writing() as connection:
            insert(connection, schema.RUNS, self._records(connection, schema.RUNS, [run]))
            connection.execute(
                "UPDATE runs SET status = 'running', ended_at = NULL, error = NULL "
                "WHERE run_id = ? AND status IN ('failed', 'cancelled')",
                [run.run_id],
            )

    def finish_run(
        self,
        run_id: str,
        status: RunStatus,
        *,
        ended_at: float,
        error: str | None = None,
    ) -> None:
        """Record how a run ended; `ended_at` in seconds since the epoch."""
        with self._warehouse.writing() as connection:
            if not known(connection, "runs", "run_id", [run_id]):
                raise WarehouseError(f"run {run_id} is unknown: add it before it ends")
            # RETURNING would make it delete and insert, which a run that has rollouts refuses.
            connection.execute(
                "UPDATE runs SET status = ?, ended_at = ?, error = ? WHERE run_id = ?",
                [status, ended_at, error, run_id],
            )

    def add_problems(
        self,
        problems: Sequence[Problem],
        embeddings: NDArray[np.float32],
        *,
        encoder: str = "float32",
    ) -> None:
        """Store problems with their query embeddings [n, 384] float32, one row for each.

        `encoder` is the kind of encoder that made them.
        """
        with self._warehouse.writing() as connection:
            incoming = self._built(
                connection,
                schema.PROBLEMS,
                lambda names: rows.problem_columns(problems, embeddings, names, encoder=encoder),
            )
            insert(connection, schema.PROBLEMS, incoming)

    def add_rollouts(self, batch: Iterable[LabelledRollout]) -> int:
        """Store finished rollouts with their critical-path labels; returns how many were new.

        One transaction for every 256 of them: a process killed meanwhile leaves whole ones.
        """
        pairs = list(batch)
        size = ROLLOUTS_IN_TRANSACTION
        parts = [pairs[first : first + size] for first in range(0, len(pairs), size)]
        with self._warehouse.holding() as begin:
            return sum(self._add_rollouts(begin, part) for part in parts)

    def _add_rollouts(self, begin: Begin, batch: Sequence[LabelledRollout]) -> int:
        by_id = {rollout.rollout_id: (rollout, labels) for rollout, labels in batch}
        with begin() as connection:
            there = known(connection, "rollouts", "rollout_id", list(by_id))
            new = [pair for key, pair in by_id.items() if key not in there]
            for table, columns in rollout_parts(new, self._texts):
                append(connection, table, self._built(connection, table, columns))
            return len(new)

    def add_credits(
        self, credits: Sequence[Credit], *, predictions: Sequence[PredictedSeconds] = ()
    ) -> None:
        """Store the rewards and advantages of decisions of stored rollouts, and the predicted
        seconds they rest on, if any.
        """
        with self._warehouse.writing() as connection:
            for table, records in (
                (schema.PREDICTED_SECONDS, predictions),
                (schema.CREDITS, credits),
            ):
                insert(connection, table, self._records(connection, table, records))

    def add_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Store a saved controller whose parent is stored.

        A checkpoint of the same digest is the same controller: the stored one stands.
        """
        with self._warehouse.writing() as connection:
            incoming = self._records(connection, schema.CHECKPOINTS, [checkpoint])
            insert(connection, schema.CHECKPOINTS, incoming)

    def add_updates(
        self,
        updates: Sequence[Update],
        *,
        checkpoints: Sequence[Checkpoint] = (),
        credits: Sequence[Credit] = (),
        predictions: Sequence[PredictedSeconds] = (),
        fits: Sequence[TableFitRecord] = (),
        points: Sequence[OperatingPointRecord] = (),
    ) -> None:
        """Store optimiser steps, and with them the credits they used, the predicted seconds those
        rest on, the checkpoints they made, and what learning from a table came to.

        Given together they are stored together: a killed run never holds a step without them.
        """
        with self._warehouse.writing() as connection:
            for table, records in (
                (schema.PREDICTED_SECONDS, predictions),
                (schema.CREDITS, credits),
                # A parent must be there before its child: not in one statement with it.
                *((schema.CHECKPOINTS, [item]) for item in checkpoints),
                (schema.UPDATES, updates),
                (schema.TABLE_FITS, fits),
                (schema.OPERATING_POINTS, points),
            ):
                insert(connection, table, self._records(connection, table, records))

    def add_evaluations(self, metrics: Sequence[EvaluationMetric]) -> None:
        """Store the metrics of evaluations."""
        with self._warehouse.writing() as connection:
            incoming = self._records(connection, schema.EVALUATIONS, metrics)
            insert(connection, schema.EVALUATIONS, incoming)

    def add_latency_fit(self, fit: LatencyFit, predictions: Sequence[PredictedSeconds]) -> None:
        """Store a fitted latency model with what it predicts for the rollouts kept from its fit."""
        with self._warehouse.writing() as connection:
            table = schema.LATENCY_MODELS
            fits = self._built(connection, table, partial(rows.latency_model_columns, [fit]))
            insert(connection, table, fits)
            table = schema.PREDICTED_SECONDS
            insert(connection, table, self._records(connection, table, predictions))

    def add_feedback(self, given: Sequence[Feedback]) -> None:
        """Store what was said of answers of a gateway; a statement that is there already stands."""
        with self._warehouse.writing() as connection:
            table = schema.FEEDBACK
            insert(connection, table, self._records(connection, table, given))

    def add_length_profiles(self, profiles: Sequence[LengthProfile]) -> None:
        """Store what a run's profile of lengths came to; one that is there already stands."""
        with self._warehouse.writing() as connection:
            table = schema.LENGTH_PROFILES
            insert(connection, table, self._records(connection, table, profiles))

    def add_token_limits(self, limits: Sequence[TokenLimit]) -> None:
        """Store the limits that a stored run begins with."""
        with self._warehouse.writing() as connection:
            table = schema.TOKEN_LIMITS
            insert(connection, table, self._records(connection, table, limits))

    def add_comparison_members(self, members: Sequence[ComparisonMember]) -> None:
        """Store which runs belong to a comparison."""
        with self._warehouse.writing() as connection:
            table = schema.COMPARISON_MEMBERS
            insert(connection, table, self._records(connection, table, members))

    def add_comparison_estimates(self, estimates: Sequence[ComparisonEstimate]) -> None:
        """Store what a comparison found."""
        with self._warehouse.writing() as connection:
            table = schema.COMPARISON_ESTIMATES
            insert(connection, table, self._records(connection, table, estimates))

    def add_simulated(self, cell: SimulatedCell, left: SimulatedRecords) -> None:
        """Store a whole simulated cell of a stored run; an id that is there already stands."""
        parts = (
            (schema.SIMULATED_CELLS, [cell]),
            (schema.SIMULATED_WORKFLOWS, left.workflows),
            (schema.SIMULATED_CALLS, left.calls),
            (schema.SIMULATED_NODE_SAMPLES, left.samples),
            (schema.SIMULATED_COLD_STARTS, left.cold_starts),
        )
        with self._warehouse.writing() as connection:
            for table, records in parts:
                columns = partial(rows.simulated_columns, records, cell.cell_id)
                insert(connection, table, self._built(connection, table, columns))

    def _records(
        self, connection: duckdb.DuckDBPyConnection, table: Table, records: Sequence[object]
    ) -> ArrowTable:
        return self._built(connection, table, lambda names: rows.fields(records, names))

    def _built(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: Table,
        columns: Callable[[list[str]], Columns],
    ) -> ArrowTable:
        if table.name not in self._layouts:
            self._layouts[table.name] = layout_of(connection, table.name)
        layout = self._layouts[table.name]
        return arrow_table(columns([field.name for field in layout]), layout)


def rollout_parts(batch: Sequence[LabelledRollout], texts: Texts) -> RolloutParts:
    """The tables that rollouts fill, in order, and their columns.

    `texts` says what is kept of prompts and answers.
    """
    rollouts = [with_texts(rollout, texts) for rollout, _ in batch]
    return (
        (schema.ROLLOUTS, partial(rows.rollout_columns, rollouts)),
        (schema.DECISIONS, partial(rows.decision_columns, rollouts)),
        (schema.INVOCATIONS, partial(rows.invocation_columns, rollouts)),
        (schema.MODEL_CALLS, partial(rows.call_columns, rollouts)),
        (schema.TOOL_EXECUTIONS, partial(rows.tool_columns, rollouts)),
        (schema.LABELS, partial(rows.label_columns, [labels for _, labels in batch])),
        (schema.CHAIN_OUTCOMES, partial(rows.chain_columns, rollouts)),
        (schema.OBSERVATIONS, partial(rows.observation_columns, rollouts)),
    )
