"""How long the answers of operators were in earlier runs, and the limits runs took from it."""

from collections.abc import Sequence
from typing import NamedTuple

from lamas.domain.token_limit import TokenLimit
from warehouse import records
from warehouse.records import RecordOf
from warehouse.warehouse import Warehouse

_LIMIT = RecordOf(TokenLimit)


class Lengths(NamedTuple):
    """Of the answers of one operator by one model."""

    calls: int
    tokens: float
    """The quantile asked for, in output tokens."""


class AnswerLengths:
    """Lengths of answers in a warehouse."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def limits(self, run_id: str) -> tuple[TokenLimit, ...]:
        """Those the run began with, by operator; none for one that took none."""
        frame = self._warehouse.query(
            "FROM token_limits WHERE run_id = ? ORDER BY operator", [run_id]
        )
        return records.read(frame, _LIMIT)

    def quantiles(
        self,
        run_id: str,
        *,
        operators: Sequence[str],
        benchmark: str,
        prompts_digest: str,
        end_at_answer: bool,
        quantile: float,
    ) -> dict[tuple[str, str], Lengths]:
        """By operator and model, over all answered calls of other runs on the benchmark with the
        same prompts that ended their streams alike; `quantile` in [0, 1].
        """
        rows = self._warehouse.query(
            "SELECT i.operator, c.request_model, count(*), "
            "ordered_quantile(list(c.usage_output_tokens), $6) "
            "FROM model_calls AS c JOIN operator_invocations AS i USING (invocation_id) "
            "JOIN rollouts AS r USING (rollout_id) JOIN runs USING (run_id) "
            "JOIN problems AS p USING (problem_id) "
            "WHERE c.status = 'ok' AND r.run_id <> $1 AND p.benchmark = $2 "
            "AND runs.prompts_digest = $3 "
            "AND coalesce((runs.config_json ->> '$.operators.end_at_answer')::BOOLEAN, false) "
            "= $4 AND i.operator IN (SELECT unnest($5)) GROUP BY ALL",
            [run_id, benchmark, prompts_digest, end_at_answer, list(operators), quantile],
        ).rows()
        return {
            (str(operator), str(model)): Lengths(int(calls), float(tokens))
            for operator, model, calls, tokens in rows
        }
