"""Which packaged questions a report asks, of whatever kind of run it is, and their answers."""

from collections.abc import Iterable

import polars as pl

from warehouse.connection import fetch
from warehouse.sql_files import REPORTS, SqlFile, sql_files
from warehouse.warehouse import Warehouse

SHARED = REPORTS / "shared"
"""What both ask: of the policies of a run, of the variants of a comparison."""
OF_RUN = REPORTS / "run"
OF_COMPARISON = REPORTS / "comparison"
OF_SIMULATION = REPORTS / "simulation"


def run_report(warehouse: Warehouse, run_id: str) -> dict[str, pl.DataFrame]:
    """The rows of every question on a run, by its name, all over one state of the warehouse."""
    return _answers(warehouse, run_id, (*sql_files(SHARED), *sql_files(OF_RUN)))


def comparison_report(warehouse: Warehouse, run_id: str) -> dict[str, pl.DataFrame]:
    """As `run_report`, of every question on a comparison or a sweep."""
    return _answers(warehouse, run_id, (*sql_files(SHARED), *sql_files(OF_COMPARISON)))


def simulation_report(warehouse: Warehouse, run_id: str) -> dict[str, pl.DataFrame]:
    """As `run_report`, of every question on a run of `lamas simulate`."""
    facts = [item for item in sql_files(OF_RUN) if item.name == "run"]
    return _answers(warehouse, run_id, (*facts, *sql_files(OF_SIMULATION)))


def _answers(
    warehouse: Warehouse, run_id: str, questions: Iterable[SqlFile]
) -> dict[str, pl.DataFrame]:
    with warehouse.reading() as connection:
        connection.execute("SET VARIABLE run_id = $1", [run_id])
        return {item.name: fetch(connection, item.text) for item in questions}
