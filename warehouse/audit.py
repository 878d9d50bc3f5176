"""Running the audits: each asks for the rows that should not exist."""

from dataclasses import dataclass

import duckdb
import polars as pl

from warehouse.connection import fetch
from warehouse.sql_files import AUDITS, sql_files


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What one audit found."""

    name: str
    """File name of the audit without its ending."""
    description: str
    """What its rows are, one sentence."""
    rows: pl.DataFrame
    """The offending rows; none when the warehouse is sound."""


def run_audits(connection: duckdb.DuckDBPyConnection) -> tuple[AuditResult, ...]:
    """One result for each audit, by name."""
    return tuple(
        AuditResult(audit.name, audit.headline, fetch(connection, audit.text))
        for audit in sql_files(AUDITS)
    )
