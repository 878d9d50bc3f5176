"""Running the audits: each asks for the rows that should not exist."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from warehouse.sql_files import AUDITS, SqlFile, sql_files
from warehouse.warehouse import Warehouse, fetch


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """What one audit found."""

    name: str
    headline: str
    """What its rows mean, one line."""
    rows: pl.DataFrame
    """The offending rows; none when the warehouse is sound."""

    @property
    def clean(self) -> bool:
        return self.rows.is_empty()


def audits() -> tuple[SqlFile, ...]:
    """Every audit by name."""
    return sql_files(AUDITS)


def run_audits(
    warehouse: Warehouse, chosen: Sequence[SqlFile] | None = None
) -> tuple[AuditFinding, ...]:
    """One finding for each audit, over one state of the warehouse."""
    with warehouse.reading() as connection:
        return tuple(
            AuditFinding(audit.name, audit.headline, fetch(connection, audit.text))
            for audit in (audits() if chosen is None else chosen)
        )
