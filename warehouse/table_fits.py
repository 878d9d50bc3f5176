"""What learning from outcome tables left in a warehouse, and the decisions it rests on."""

from collections.abc import Iterable

from lamas.domain.table_fit import (
    OperatingPointRecord,
    TableFitRecord,
    TabulatedDecision,
    WaitClock,
)
from warehouse import records
from warehouse.records import RecordOf
from warehouse.warehouse import Warehouse

_FIT = RecordOf(TableFitRecord)
_POINT = RecordOf(OperatingPointRecord)
_DECISION = RecordOf(TabulatedDecision)


class TableFits:
    """Fitted tables of a warehouse as the domain knows them."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def of_run(self, run_id: str) -> TableFitRecord | None:
        """What the run learned from its table; None while it has not."""
        frame = self._warehouse.query("FROM table_fits WHERE run_id = ?", [run_id])
        return next(iter(records.read(frame, _FIT)), None)

    def of_checkpoint(self, checkpoint_id: str) -> TableFitRecord | None:
        """The first table that the checkpoint was fitted to; None for one that was to none."""
        frame = self._warehouse.query(
            "SELECT table_fits.* FROM table_fits INNER JOIN runs USING (run_id) "
            "WHERE checkpoint_id = ? ORDER BY runs.started_at, run_id LIMIT 1",
            [checkpoint_id],
        )
        return next(iter(records.read(frame, _FIT)), None)

    def points(self, checkpoint_id: str) -> tuple[OperatingPointRecord, ...]:
        """Its operating points by rising multiplier."""
        frame = self._warehouse.query(
            "FROM operating_points WHERE checkpoint_id = ? ORDER BY multiplier", [checkpoint_id]
        )
        return records.read(frame, _POINT)

    def decisions(
        self, run_id: str, clock: WaitClock, problem_ids: Iterable[str]
    ) -> tuple[TabulatedDecision, ...]:
        """The finished cells of these problems in the table of a run, by rollout id."""
        time = {"tokens": "cp_tokens", "seconds": "seconds"}[clock]
        frame = self._warehouse.query(
            f"SELECT rollout_id, problem_id, operator, score, {time} AS time "
            "FROM tabulated_outcomes WHERE run_id = $1 AND status = 'ok' "
            "AND problem_id IN (SELECT unnest($2)) ORDER BY rollout_id",
            [run_id, list(problem_ids)],
        )
        return records.read(frame, _DECISION)
