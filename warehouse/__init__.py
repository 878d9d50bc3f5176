"""The warehouse: one DuckDB file that holds every record, its views, audits and the registry."""

from warehouse.audit import AuditResult
from warehouse.call_times import CallTimes
from warehouse.reader import Reader
from warehouse.registry import Promotion, Registry
from warehouse.warehouse import Warehouse
from warehouse.writer import Writer

__all__ = [
    "AuditResult",
    "CallTimes",
    "Promotion",
    "Reader",
    "Registry",
    "Warehouse",
    "Writer",
]
