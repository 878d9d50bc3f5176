"""Which checkpoint is champion, and on what evidence it became so."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import duckdb

from lamas.domain import Checkpoint
from lamas.errors import WarehouseError
from warehouse import records
from warehouse.connection import fetch
from warehouse.warehouse import Warehouse

Decision = Literal["promoted", "rejected", "rolled_back"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Promotion:
    """One decision about a champion."""

    promotion_number: int
    """Order of the decisions, from 1."""
    decision: Decision
    checkpoint_id: str
    """Checkpoint decided about; on a rollback the one that returned."""
    previous_checkpoint_id: str | None
    """Champion until then."""
    run_id: str | None
    evidence: str
    """JSON object."""
    decided_at: float
    """Seconds since the epoch."""


_PROMOTION = records.RecordOf(Promotion)


class Registry:
    """The stored controllers and the one that is deployed."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def champion(self) -> Checkpoint | None:
        """The deployed checkpoint; None before the first promotion."""
        with self._warehouse.reading() as connection:
            return _champion(connection)

    def checkpoint(self, checkpoint_id: str) -> Checkpoint:
        """The checkpoint; WarehouseError when it is not stored."""
        with self._warehouse.reading() as connection:
            return _checkpoint(connection, checkpoint_id)

    def checkpoints(self, run_id: str | None = None) -> tuple[Checkpoint, ...]:
        """Stored checkpoints, the earliest first; of one run if given."""
        frame = self._warehouse.query(
            "FROM checkpoints WHERE $1 IS NULL OR run_id = $1 "
            "ORDER BY created_at, step, checkpoint_id",
            [run_id],
        )
        return records.read(frame, records.CHECKPOINT)

    def promotions(self) -> tuple[Promotion, ...]:
        """Every decision about a champion, in the order taken."""
        frame = self._warehouse.query("FROM promotions ORDER BY promotion_number")
        return records.read(frame, _PROMOTION)

    def promote(
        self,
        checkpoint_id: str,
        *,
        evidence: Mapping[str, object],
        run_id: str | None = None,
        decided_at: float | None = None,
    ) -> Checkpoint:
        """Make the checkpoint champion and retire the champion; repeating it changes nothing.

        `evidence` must be expressible as JSON. `decided_at` in seconds since the epoch, now if
        left out. Returns the new champion.
        """
        with self._warehouse.writing() as connection:
            chosen = _checkpoint(connection, checkpoint_id)
            champions = [item.checkpoint_id for item in _champions(connection)]
            if champions == [checkpoint_id]:
                return chosen
            previous = next((name for name in champions if name != checkpoint_id), None)
            _crown(connection, chosen.checkpoint_id)
            _record(connection, "promoted", checkpoint_id, previous, run_id, evidence, decided_at)
            return _checkpoint(connection, checkpoint_id)

    def reject(
        self,
        checkpoint_id: str,
        *,
        evidence: Mapping[str, object],
        run_id: str | None = None,
        decided_at: float | None = None,
    ) -> None:
        """Record that the checkpoint was weighed against the champion and not promoted."""
        with self._warehouse.writing() as connection:
            _checkpoint(connection, checkpoint_id)
            champion = _champion(connection)
            previous = champion.checkpoint_id if champion else None
            _record(connection, "rejected", checkpoint_id, previous, run_id, evidence, decided_at)

    def rollback(
        self, *, evidence: Mapping[str, object] | None = None, decided_at: float | None = None
    ) -> Checkpoint:
        """Bring back the champion that the present one replaced, and return it.

        Raises WarehouseError when there is no champion, or none before it.
        """
        with self._warehouse.writing() as connection:
            champion = _champion(connection)
            if champion is None:
                raise WarehouseError("there is no champion to roll back: promote a checkpoint")
            found = connection.execute(
                "SELECT previous_checkpoint_id FROM promotions "
                "WHERE decision = 'promoted' AND checkpoint_id = ? "
                "ORDER BY promotion_number DESC LIMIT 1",
                [champion.checkpoint_id],
            ).fetchone()
            earlier = found[0] if found else None
            if not isinstance(earlier, str):
                raise WarehouseError(
                    f"champion {champion.checkpoint_id} replaced no other: "
                    "there is nothing to roll back to"
                )
            _crown(connection, earlier)
            _record(
                connection,
                "rolled_back",
                earlier,
                champion.checkpoint_id,
                None,
                evidence or {},
                decided_at,
            )
            return _checkpoint(connection, earlier)

    def weighed_last(self) -> Checkpoint | None:
        """The checkpoint of the last decision, if it was not promoted."""
        last = self.promotions()[-1:]
        return next(
            (self.checkpoint(item.checkpoint_id) for item in last if item.decision == "rejected"),
            None,
        )

    def tagged(self) -> Mapping[str, Checkpoint]:
        """The champion of each tag."""
        frame = self._warehouse.query(
            "SELECT checkpoints.*, tag FROM tagged_champions "
            "INNER JOIN checkpoints USING (checkpoint_id) "
            "QUALIFY row_number() OVER (PARTITION BY tag ORDER BY decision_number DESC) = 1 "
            "ORDER BY tag"
        )
        found = records.read(frame, records.CHECKPOINT)
        return dict(zip(frame["tag"].to_list(), found, strict=True))

    def tag(
        self, checkpoint_id: str, tag: str, *, reason: str, decided_at: float | None = None
    ) -> None:
        """Let the checkpoint decide under `tag`, in place of another one's; WarehouseError when it
        is not stored.
        """
        with self._warehouse.writing() as connection:
            _checkpoint(connection, checkpoint_id)
            connection.execute(
                "INSERT INTO tagged_champions "
                "SELECT coalesce(max(decision_number), 0) + 1, ?, ?, ?, ? FROM tagged_champions",
                [tag, checkpoint_id, reason, time.time() if decided_at is None else decided_at],
            )


def _champion(connection: duckdb.DuckDBPyConnection) -> Checkpoint | None:
    found = _champions(connection)
    if len(found) > 1:
        names = ", ".join(item.checkpoint_id for item in found)
        raise WarehouseError(f"{names} are all champion: promote one of them again by name")
    return found[0] if found else None


def _champions(connection: duckdb.DuckDBPyConnection) -> tuple[Checkpoint, ...]:
    frame = fetch(connection, "FROM checkpoints WHERE status = 'champion' ORDER BY checkpoint_id")
    return records.read(frame, records.CHECKPOINT)


def _checkpoint(connection: duckdb.DuckDBPyConnection, checkpoint_id: str) -> Checkpoint:
    frame = fetch(connection, "FROM checkpoints WHERE checkpoint_id = ?", [checkpoint_id])
    found = records.read(frame, records.CHECKPOINT)
    if not found:
        raise WarehouseError(
            f"checkpoint {checkpoint_id} is unknown: "
            "`lamas sql 'SELECT checkpoint_id, step, status FROM checkpoints'` lists those stored"
        )
    return found[0]


def _crown(connection: duckdb.DuckDBPyConnection, checkpoint_id: str) -> None:
    connection.execute(
        "UPDATE checkpoints SET status = CASE WHEN checkpoint_id = $1 THEN 'champion' "
        "ELSE 'retired' END WHERE checkpoint_id = $1 OR status = 'champion'",
        [checkpoint_id],
    )


def _record(
    connection: duckdb.DuckDBPyConnection,
    decision: Decision,
    checkpoint_id: str,
    previous_id: str | None,
    run_id: str | None,
    evidence: Mapping[str, object],
    decided_at: float | None,
) -> None:
    connection.execute(
        "INSERT INTO promotions SELECT coalesce(max(promotion_number), 0) + 1, ?, ?, ?, ?, ?, ? "
        "FROM promotions",
        [
            decision,
            checkpoint_id,
            previous_id,
            run_id,
            json.dumps(dict(evidence), sort_keys=True),
            time.time() if decided_at is None else decided_at,
        ],
    )
