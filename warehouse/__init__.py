"""The warehouse: one DuckDB file that holds every record, its views, audits and the registry."""

from warehouse.audit import AuditFinding, run_audits
from warehouse.reader import Reader
from warehouse.registry import Promotion, Registry
from warehouse.warehouse import Warehouse
from warehouse.writer import Writer

__all__ = [
    "AuditFinding",
    "Promotion",
    "Reader",
    "Registry",
    "Warehouse",
    "Writer",
    "run_audits",
]
