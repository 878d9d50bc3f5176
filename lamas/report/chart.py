"""One chart of a report, whatever it draws."""

from dataclasses import dataclass

from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One figure of the report."""

    name: str
    """Also the name of its PNG."""
    query: str
    """Its data: `warehouse/reports/<query>.sql`, with the folder: `run/frontier`."""
    caption: str
    """What is seen, for those who see it and those who do not; HTML-free."""
    figure: Figure
