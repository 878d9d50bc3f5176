"""How rows become domain records again, in an order that does not depend on who finished first."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from lamas.domain import (
    ComparisonEstimate,
    ComparisonMember,
    Credit,
    CriticalPathLabel,
    EvaluationMetric,
    Problem,
    Purpose,
    Rollout,
    RolloutResult,
    Run,
    Split,
    Update,
)
from lamas.errors import WarehouseError
from warehouse import records
from warehouse.connection import fetch
from warehouse.warehouse import Warehouse

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Rollouts are handed out in this order everywhere, so that sums over them round alike.
ROLLOUT_ORDER = "step, problem_id, policy, sample_index, retry, rollout_id"


class Reader:
    """Records of a warehouse as the domain knows them."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def run(self, run_id: str) -> Run:
        """The run; WarehouseError when there is none of that name."""
        found = self._runs("WHERE run_id = ?", [run_id])
        if not found:
            raise WarehouseError(
                f"run {run_id} is not in warehouse {self._warehouse.path}: "
                "`lamas sql 'FROM run_summary'` lists the runs it holds"
            )
        return found[0]

    def runs(self, *, kind: str | None = None) -> tuple[Run, ...]:
        """All runs, the earliest first."""
        if kind is None:
            return self._runs("", [])
        return self._runs("WHERE kind = ?", [kind])

    def assumed(self, run_ids: Sequence[str]) -> tuple[int, int, int]:
        """(attempts, those of assumed seconds, those of estimated tokens) of runs together."""
        frame = self._warehouse.query(
            "SELECT coalesce(sum(attempts), 0), coalesce(sum(assumed_seconds), 0), "
            "coalesce(sum(estimated_tokens), 0) FROM assumed_figures "
            "WHERE run_id IN (SELECT unnest(?))",
            [list(run_ids)],
        )
        attempts, seconds, tokens = frame.row(0)
        return int(attempts), int(seconds), int(tokens)

    def latest_time(self) -> float:
        """The latest time on record, in seconds since the epoch; 0 when there is none."""
        # What is latest is asked by time in many places: a clock that was set back must not undo
        # it.
        found = self._warehouse.query(
            "SELECT max(latest) FROM ("
            "SELECT max(coalesce(ended_at, started_at)) AS latest FROM runs "
            "UNION ALL SELECT max(ended_at) FROM rollouts "
            "UNION ALL SELECT max(created_at) FROM checkpoints "
            "UNION ALL SELECT max(decided_at) FROM promotions)"
        ).item()
        return 0.0 if found is None else float(found)

    def latest_batch(self, run_id: str | None) -> tuple[str, int] | None:
        """Run and step of the last training rollouts: of the run, or of all."""
        found = self._warehouse.query(
            "SELECT run_id, step FROM rollouts "
            "WHERE purpose = 'train' AND ($1 IS NULL OR run_id = $1) "
            "ORDER BY started_at DESC LIMIT 1",
            [run_id],
        ).rows()
        return (str(found[0][0]), int(found[0][1])) if found else None

    def problems(
        self,
        *,
        benchmark: str | None = None,
        version: str | None = None,
        split: Split | None = None,
        problem_ids: Sequence[str] | None = None,
    ) -> tuple[Problem, ...]:
        """Problems in the order of their source; a condition left out does not restrict."""
        conditions = _Conditions()
        conditions.equal("benchmark", benchmark)
        conditions.equal("version", version)
        conditions.equal("split", split)
        conditions.among("problem_id", problem_ids)
        frame = self._warehouse.query(
            f"SELECT * EXCLUDE (embedding) FROM problems {conditions.where} "
            "ORDER BY benchmark, version, problem_index, problem_id",
            conditions.values,
        )
        return records.problems(frame)

    def encoders(self, problem_ids: Sequence[str]) -> frozenset[str]:
        """Kinds of encoder that made the stored embeddings of these problems."""
        frame = self._warehouse.query(
            "SELECT DISTINCT encoder FROM problems WHERE problem_id IN (SELECT unnest(?))",
            [list(problem_ids)],
        )
        return frozenset(frame["encoder"].to_list())

    def embeddings(self, problem_ids: Sequence[str]) -> "NDArray[np.float32]":
        """Query embeddings [n, 384] float32 in the order of `problem_ids`.

        Raises WarehouseError naming the first problem that is not stored.
        """
        frame = self._warehouse.query(
            "SELECT problem_id, embedding FROM problems WHERE problem_id IN (SELECT unnest(?))",
            [list(problem_ids)],
        )
        places = {name: place for place, name in enumerate(frame["problem_id"].to_list())}
        for problem_id in problem_ids:
            if problem_id not in places:
                raise WarehouseError(
                    f"problem {problem_id} is not in warehouse {self._warehouse.path}: "
                    "run `lamas prepare` for its benchmark"
                )
        import numpy as np

        matrix = np.asarray(frame["embedding"].to_numpy(), dtype=np.float32)
        return matrix[[places[problem_id] for problem_id in problem_ids]]

    def rollouts(
        self,
        run_id: str | None = None,
        *,
        step: int | None = None,
        purpose: Purpose | None = None,
        policy: str | None = None,
        checkpoint_id: str | None = None,
        rollout_ids: Sequence[str] | None = None,
        with_calls: bool = False,
    ) -> tuple[Rollout, ...]:
        """Finished rollouts, failed ones included, ordered by step, problem, policy and sample.

        `with_calls` also reads model calls and tool runs (by far the largest tables); without it
        invocations come with `calls=()` and `tools=()`.
        """
        conditions = _Conditions()
        conditions.equal("run_id", run_id)
        conditions.equal("step", step)
        conditions.equal("purpose", purpose)
        conditions.equal("policy", policy)
        conditions.equal("checkpoint_id", checkpoint_id)
        conditions.among("rollout_id", rollout_ids)
        with self._warehouse.reading() as connection:
            found = fetch(
                connection,
                f"FROM rollouts {conditions.where} ORDER BY {ROLLOUT_ORDER}",
                conditions.values,
            )
            ids = found["rollout_id"].to_list()
            invocations = _children(
                connection, "operator_invocations", "rollout_id", ids, "layer, position"
            )
            calls, tools = pl.DataFrame(), pl.DataFrame()
            if with_calls:
                owners = invocations["invocation_id"].to_list()
                calls = _children(connection, "model_calls", "invocation_id", owners, "call_index")
                tools = _children(
                    connection, "tool_executions", "invocation_id", owners, "tool_index"
                )
            return records.rollouts(
                found,
                decisions=_children(
                    connection, "decisions", "rollout_id", ids, "layer, draw_order"
                ),
                invocations=invocations,
                calls=calls,
                tools=tools,
                chains=_children(connection, "chain_outcomes", "rollout_id", ids, "chain"),
                observations=_children(connection, "observations", "rollout_id", ids, "layer"),
            )

    def rollout_statuses(self, run_id: str) -> dict[str, str]:
        """Status (`ok` or `failed`) of every stored rollout of the run, by its id."""
        frame = self._warehouse.query(
            "SELECT rollout_id, status FROM rollouts WHERE run_id = ?", [run_id]
        )
        return dict(frame.iter_rows())

    def evaluated(self, run_id: str) -> tuple[RolloutResult, ...]:
        """Outcomes of a run's evaluation, the last try of every slot, in `Rollout.order`."""
        names = ", ".join(field.name for field in fields(RolloutResult))
        frame = self._warehouse.query(
            f"SELECT {names} FROM evaluated_rollouts WHERE run_id = ? ORDER BY {ROLLOUT_ORDER}",
            [run_id],
        )
        return records.read(frame, records.OUTCOME)

    def comparison_members(self, comparison_run_id: str) -> tuple[ComparisonMember, ...]:
        """The runs of a comparison by variant and training seed."""
        frame = self._warehouse.query(
            "FROM comparison_members WHERE comparison_run_id = ? ORDER BY variant, training_seed",
            [comparison_run_id],
        )
        return records.read(frame, records.MEMBER)

    def comparison_estimates(self, comparison_run_id: str) -> tuple[ComparisonEstimate, ...]:
        """What a comparison found, variant by variant."""
        frame = self._warehouse.query(
            "FROM comparison_estimates WHERE comparison_run_id = ? "
            "ORDER BY variant, reference, metric",
            [comparison_run_id],
        )
        return records.read(frame, records.ESTIMATE)

    def lost_calls(self, run_ids: Sequence[str], *, model: str | None = None) -> tuple[int, float]:
        """(calls of the runs that never got an answer, USD that their attempts cost).

        Of all models, or of one.
        """
        frame = self._warehouse.query(
            "WITH lost AS ("
            "SELECT m.call_id, sum(m.cost_usd) AS cost_usd FROM model_calls AS m "
            "JOIN operator_invocations AS i USING (invocation_id) "
            "JOIN rollouts AS r USING (rollout_id) "
            "WHERE r.run_id IN (SELECT unnest(?)) "
            "AND m.request_model = coalesce(?, m.request_model) "
            "GROUP BY m.call_id HAVING NOT bool_or(m.status = 'ok')) "
            "SELECT count(*), coalesce(sum(cost_usd), 0.0) FROM lost",
            [list(run_ids), model],
        )
        calls, usd = frame.row(0)
        return int(calls), float(usd)

    def labels(self, rollout_ids: Iterable[str]) -> dict[str, tuple[CriticalPathLabel, ...]]:
        """Critical-path labels of each rollout, ordered by layer and catalogue position."""
        frame = self._warehouse.query(
            "SELECT i.rollout_id, i.layer, i.operator, l.* "
            "FROM critical_path_labels AS l JOIN operator_invocations AS i USING (invocation_id) "
            "WHERE i.rollout_id IN (SELECT unnest(?)) ORDER BY i.rollout_id, i.layer, i.position",
            [list(rollout_ids)],
        )
        return records.grouped(frame, "rollout_id", records.LABEL)

    def credits(
        self,
        *,
        run_id: str | None = None,
        step: int | None = None,
        credit_rule: str | None = None,
    ) -> tuple[Credit, ...]:
        """Credits of decisions in the order of their rollouts, layers and draws."""
        conditions = _Conditions()
        conditions.equal("r.run_id", run_id)
        conditions.equal("r.step", step)
        conditions.equal("c.credit_rule", credit_rule)
        frame = self._warehouse.query(
            "SELECT c.* FROM credits AS c JOIN rollouts AS r USING (rollout_id) "
            "JOIN decisions AS d USING (rollout_id, layer, operator) "
            f"{conditions.where} ORDER BY r.step, r.problem_id, r.policy, r.sample_index, r.retry, "
            "r.rollout_id, c.credit_rule, c.layer, d.draw_order",
            conditions.values,
        )
        return records.read(frame, records.CREDIT)

    def updates(self, run_id: str) -> tuple[Update, ...]:
        """Optimiser steps of the run in order."""
        frame = self._warehouse.query("FROM updates WHERE run_id = ? ORDER BY step", [run_id])
        return records.read(frame, records.UPDATE)

    def evaluations(
        self, *, run_id: str | None = None, checkpoint_id: str | None = None
    ) -> tuple[EvaluationMetric, ...]:
        """Metrics of evaluations, ordered by evaluation, policy, split and metric."""
        conditions = _Conditions()
        conditions.equal("run_id", run_id)
        conditions.equal("checkpoint_id", checkpoint_id)
        frame = self._warehouse.query(
            f"FROM evaluations {conditions.where} ORDER BY evaluation_id, policy, split, metric",
            conditions.values,
        )
        return records.read(frame, records.EVALUATION)

    def _runs(self, where: str, values: Sequence[object]) -> tuple[Run, ...]:
        frame = self._warehouse.query(f"FROM runs {where} ORDER BY started_at, run_id", values)
        return records.read(frame, records.RUN)


class _Conditions:
    """A WHERE clause of the conditions that were given."""

    def __init__(self) -> None:
        self._tests: list[str] = []
        self.values: list[object] = []

    def equal(self, column: str, value: object | None) -> None:
        if value is not None:
            self._tests.append(f"{column} = ?")
            self.values.append(value)

    def among(self, column: str, values: Sequence[str] | None) -> None:
        if values is not None:
            self._tests.append(f"{column} IN (SELECT unnest(?))")
            self.values.append(list(values))

    @property
    def where(self) -> str:
        return f"WHERE {' AND '.join(self._tests)}" if self._tests else ""


def _children(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    owner: str,
    owners: list[str],
    order: str,
) -> pl.DataFrame:
    return fetch(
        connection,
        f"FROM {table} WHERE {owner} IN (SELECT unnest(?)) ORDER BY {owner}, {order}",
        [owners],
    )
