"""Answers of gateways that nobody has said anything of, and what judges made of them."""

from lamas.domain import TaskFamily
from lamas.domain.judged import POLICY, PREFIX, JudgeAnswer, ServedAnswer
from warehouse import records
from warehouse.records import RecordOf
from warehouse.warehouse import Warehouse

_SERVED = RecordOf(ServedAnswer)


class Judging:
    """What a warehouse holds for judges."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def waiting(self, run_id: str, family: TaskFamily, *, most: int) -> tuple[ServedAnswer, ...]:
        """The latest answer to each of at most `most` questions that nobody said anything of, and
        no run but `run_id` judged; those first that it began with.

        Of a conversation only its last message is kept as the question, so that one that had others
        is left out, as is a text that was not kept.
        """
        frame = self._warehouse.query(
            "WITH answers AS ("
            "  SELECT request_id, received_at, messages, rollouts.status, answer, question, family"
            "  FROM served_requests"
            "  INNER JOIN rollouts USING (rollout_id) INNER JOIN problems USING (problem_id)"
            "), judged AS ("
            "  SELECT substr(problem_id, 1 + length($1)) AS request_id, bool_or(run_id = $2) AS own"
            "  FROM rollouts WHERE policy = $3 AND purpose = 'ask' AND status = 'ok' GROUP BY ALL"
            "), known AS ("
            "  SELECT question FROM answers SEMI JOIN feedback USING (request_id)"
            "  UNION"
            "  SELECT question FROM answers INNER JOIN judged USING (request_id) WHERE NOT own"
            ") "
            "SELECT request_id, question, answer FROM answers "
            "LEFT JOIN judged USING (request_id) ANTI JOIN known USING (question) "
            "WHERE status = 'ok' AND answer IS NOT NULL AND messages = 1 AND family = $4 "
            "AND is_kept(question) "
            "QUALIFY row_number() OVER ("
            "  PARTITION BY question ORDER BY own IS NULL, received_at DESC, request_id) = 1 "
            "ORDER BY own IS NULL, received_at DESC, request_id LIMIT $5",
            [PREFIX, run_id, POLICY, family, most],
        )
        return records.read(frame, _SERVED)

    def answers(self, run_id: str) -> dict[str, list[JudgeAnswer]]:
        """What the judges of a run answered, by the request that was judged."""
        frame = self._warehouse.query(
            "SELECT substr(problem_id, 1 + length($1)), extracted_answer, score FROM rollouts "
            "WHERE run_id = $2 AND policy = $3 AND status = 'ok' "
            "ORDER BY problem_id, sample_index",
            [PREFIX, run_id, POLICY],
        )
        found: dict[str, list[JudgeAnswer]] = {}
        for request_id, form, score in frame.rows():
            found.setdefault(str(request_id), []).append(JudgeAnswer(form=form, score=score))
        return found
