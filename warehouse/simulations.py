"""What the warehouse knows of simulated clusters."""

from typing import TypeVar

from warehouse import records
from warehouse.warehouse import Warehouse

Figures = TypeVar("Figures")


class Simulations:
    """Reads stored cells and their figures."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def cells(self, run_id: str) -> set[tuple[str, float, int]]:
        """(policies, load, seed) of the cells of a run that are stored."""
        rows = self._warehouse.query(
            "SELECT policies, load, seed FROM simulated_cells WHERE run_id = ?", [run_id]
        ).rows()
        return {(str(name), float(load), int(seed)) for name, load, seed in rows}

    def figures(self, run_id: str, kind: type[Figures]) -> tuple[Figures, ...]:
        """The rows of `serving_cells` of a run as records of `kind`, by load, policies and seed."""
        frame = self._warehouse.query(
            "SELECT * FROM serving_cells WHERE run_id = ? ORDER BY load, policies, seed", [run_id]
        )
        return records.read(frame, records.RecordOf(kind))
