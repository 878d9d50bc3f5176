"""From the settings to the warehouse."""

from pathlib import Path
from typing import Protocol

from warehouse.warehouse import Warehouse


class SaysWhere(Protocol):
    """The settings, or the part of them that a command read alone."""

    @property
    def warehouse(self) -> Path: ...
    @property
    def warehouse_wait_seconds(self) -> float: ...


def open_warehouse(where: SaysWhere, *, create: bool = False) -> Warehouse:
    """The configured warehouse; WarehouseError when it cannot be used (see `Warehouse.open`)."""
    return Warehouse.open(
        where.warehouse, create=create, timeout_seconds=where.warehouse_wait_seconds
    )
