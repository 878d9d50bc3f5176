"""How what people asked a gateway, and said of its answers, becomes problems to learn from."""

from pathlib import Path

from lamas.errors import WarehouseError
from warehouse.replay import FORMATS, export_query
from warehouse.sql_files import QUERIES
from warehouse.warehouse import Warehouse

_QUERY = QUERIES / "questions_with_an_answer.sql"


def export_questions(warehouse: Warehouse, file: Path) -> int:
    """Write the served questions whose right answer somebody said to `file`, in place of an earlier
    one; returns how many there are.

    Columns are `question`, `reference`, `asked`. Raises WarehouseError, and leaves what is there,
    when there are none or `file` cannot be written.
    """
    if file.suffix not in FORMATS:
        raise WarehouseError(
            f"{file} ends in none of {', '.join(FORMATS)}: name such a file for the questions"
        )
    rows = export_query(warehouse, _QUERY, file)
    if not rows:
        raise WarehouseError(
            f"nobody has said the right answer to a question in {warehouse.path}: send references "
            "to POST /v1/feedback of a gateway that keeps texts"
        )
    return rows
