"""What gateways landed, taken into the warehouse by whoever holds the writer's turn."""

import shutil
from collections.abc import Callable
from pathlib import Path

from lamas.errors import WarehouseError
from warehouse.landing import UNFINISHED
from warehouse.served import merge_served
from warehouse.warehouse import Warehouse

FOLDER = "served"
"""Below the landing folder of a home."""


def served_folder(home: Path) -> Path:
    """Where the gateways of a home land what they answered."""
    return home / "landing" / FOLDER


def landed_by_gateways(folder: Path) -> tuple[Path, ...]:
    """Folders that are complete, in the order they were begun within each gateway."""
    found = (path.parent for path in folder.glob("[!.]*/runs.parquet"))
    return tuple(sorted(path for path in found if not path.name.endswith(UNFINISHED)))


def take_in_served(warehouse: Warehouse, folder: Path, say: Callable[[str], None]) -> int:
    """Store what has landed in `folder` and delete it; returns how many rollouts were new.

    The caller holds the turn. May be killed and repeated: what is stored is not stored again. What
    is damaged stays where it is, and `say` is told.
    """
    new = 0
    for landed in landed_by_gateways(folder):
        try:
            new += merge_served(warehouse, landed)
        except WarehouseError as error:
            say(f"what a gateway answered is not in the warehouse yet: {error}")
            continue
        # Out of sight first: half a folder would be taken for a damaged one.
        gone = landed.with_name(f".{landed.name}{UNFINISHED}")
        landed.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
    return new
