"""The warehouse: one DuckDB file that holds every record, its views, audits and the registry."""

from warehouse.audit import AuditResult
from warehouse.registry import Promotion, Registry
from warehouse.warehouse import Warehouse

__all__ = ["AuditResult", "Promotion", "Registry", "Warehouse"]
