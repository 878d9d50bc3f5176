"""The terminal as a place for tables: as wide as it is, unbounded in a pipe."""

from rich.console import Console

UNBOUNDED_WIDTH = 10_000


def table_console() -> Console:
    """Stdout as wide as it is; in a file or pipe nothing is cut or wrapped."""
    console = Console()
    return console if console.is_terminal else Console(width=UNBOUNDED_WIDTH)
