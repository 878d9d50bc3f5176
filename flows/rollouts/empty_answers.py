"""Whether a batch's answers hold anything: said at once, and the end of a run of empty ones."""

from collections.abc import Callable, Iterable, Sequence

from flows.settings import Settings
from lamas.domain import PlannedRollout, Rollout
from lamas.errors import ModelUnreachableError
from lamas.llm.empty_answers import AnswerEnd, EmptyAnswers
from warehouse import Warehouse

_ENDS = """
SELECT calls.remarks, calls.response_finish_reasons, count(*)::BIGINT AS answers
FROM model_calls AS calls
INNER JOIN operator_invocations USING (invocation_id)
SEMI JOIN (SELECT unnest($1) AS rollout_id) AS asked USING (rollout_id)
WHERE calls.status = 'ok'
GROUP BY ALL
"""


def stored_ends(warehouse: Warehouse, plans: Sequence[PlannedRollout]) -> list[AnswerEnd]:
    """How the answers of the stored rollouts among `plans` ended."""
    found = warehouse.query(_ENDS, [[planned.rollout_id for planned in plans]])
    return [
        AnswerEnd(remarks=remarks, finish_reasons=reasons, count=count)
        for remarks, reasons, count in found.iter_rows()
    ]


def ends_of(rollouts: Iterable[Rollout]) -> list[AnswerEnd]:
    """How the answers of rollouts ended."""
    return [
        AnswerEnd(remarks=call.remarks, finish_reasons=call.response_finish_reasons)
        for rollout in rollouts
        for invocation in rollout.trace.invocations
        for call in invocation.calls
        if call.status == "ok"
    ]


def check_answers(
    settings: Settings, ends: Iterable[AnswerEnd], say: Callable[[str], None]
) -> None:
    """Say how many answers are empty, and why.

    ModelUnreachableError when it is more of them than `training.max_failed_fraction` allows: their
    scores say nothing of any graph.
    """
    found = EmptyAnswers.among(ends)
    if not found.empty:
        return
    limit = settings.training.max_failed_fraction
    if found.empty > limit * found.given:
        raise ModelUnreachableError(
            f"{found}; that is more than training.max_failed_fraction={limit}, and a run of such "
            "answers learns nothing"
        )
    say(str(found))
