"""What people asked gateways: as problems to learn from, and beside those learned from before."""

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


def asked_and_trained(
    warehouse: Warehouse, checkpoint_id: str, *, requests: int, encoder: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(problem of each of the last `requests` that a controller of a gateway answered, those that
    the run of the checkpoint learned from), as far as `encoder` made their embeddings.
    """
    asked = warehouse.query(
        "SELECT problem_id FROM served_requests "
        "INNER JOIN rollouts USING (rollout_id) INNER JOIN problems USING (problem_id) "
        # Where texts are not kept there is no embedding either.
        "WHERE encoder = $1 AND embedding[1] <> 0 "
        "ORDER BY received_at DESC, request_id LIMIT $2",
        [encoder, requests],
    )
    trained = warehouse.query(
        "SELECT DISTINCT problem_id FROM rollouts "
        "INNER JOIN checkpoints USING (run_id) INNER JOIN problems USING (problem_id) "
        "WHERE checkpoints.checkpoint_id = $1 AND purpose IN ('train', 'tabulate') "
        "AND encoder = $2 ORDER BY problem_id",
        [checkpoint_id, encoder],
    )
    return tuple(asked["problem_id"].to_list()), tuple(trained["problem_id"].to_list())
