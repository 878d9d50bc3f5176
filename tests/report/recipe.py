"""What a report says of how its run is made again and its figures recomputed."""

from pathlib import Path

from lamas.report.html import Recipe
from warehouse.reports import SHARED

RECIPE = Recipe(command="lamas retrain", resolves=True)


def place_of(query: str, own: Path) -> str:
    """Below `warehouse/reports`: in the folder of this report, or in the one of both."""
    (folder,) = (item for item in (SHARED, own) if (item / f"{query}.sql").is_file())
    return f"{folder.name}/{query}"
