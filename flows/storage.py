"""How the configured warehouse is opened."""

from flows.settings import Settings
from warehouse import Warehouse


def open_warehouse(settings: Settings, *, create: bool = False) -> Warehouse:
    """The configured warehouse; WarehouseError when it cannot be used (see `Warehouse.open`)."""
    return Warehouse.open(
        settings.warehouse, create=create, timeout_seconds=settings.warehouse_wait_seconds
    )
