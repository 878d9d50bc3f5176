"""Where the package's .sql files lie and in what order views can be created."""

import hashlib
import re
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from lamas.errors import WarehouseError

_PACKAGE = Path(__file__).parent
MIGRATIONS = _PACKAGE / "migrations"
MACROS = _PACKAGE / "macros"
VIEWS = _PACKAGE / "views"
QUERIES = _PACKAGE / "queries"
REPORTS = _PACKAGE / "reports"
AUDITS = _PACKAGE / "audits"


@dataclass(frozen=True, kw_only=True, slots=True)
class SqlFile:
    """One .sql file."""

    name: str
    """File name without its ending: for a view the name of the relation."""
    text: str

    @property
    def headline(self) -> str:
        """Its first sentence, up to a full stop: the grain of a view, the question of a query."""
        lines = takewhile(lambda line: line.startswith("--"), self.text.splitlines())
        comment = " ".join(line.removeprefix("--").strip() for line in lines)
        return comment.split(". ", 1)[0].rstrip(".")

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def sql_files(folder: Path) -> tuple[SqlFile, ...]:
    """The .sql files of a folder in the order of their names."""
    paths = sorted(folder.glob("*.sql"))
    return tuple(SqlFile(name=path.stem, text=path.read_text("utf-8")) for path in paths)


def views_in_order(views: tuple[SqlFile, ...]) -> tuple[SqlFile, ...]:
    """Each view after the views it reads; WarehouseError when they read each other in a circle."""
    names = {view.name for view in views}
    reads = {
        view.name: names.intersection(re.findall(r"\w+", _without_comments(view.text)))
        - {view.name}
        for view in views
    }
    ordered: list[SqlFile] = []
    waiting = list(views)
    while waiting:
        placed = {view.name for view in ordered}
        ready = [view for view in waiting if reads[view.name] <= placed]
        if not ready:
            circle = ", ".join(view.name for view in waiting)
            raise WarehouseError(f"the views {circle} read each other in a circle: break it")
        ordered.extend(ready)
        waiting = [view for view in waiting if view not in ready]
    return tuple(ordered)


def _without_comments(text: str) -> str:
    return re.sub(r"--[^\n]*", "", text)
