"""Which answers wait for a judge, and what judges made of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lamas.domain.judged import JudgeAnswer, ServedAnswer
from lamas.evaluation.judging import judged_problem
from tests.factories import make_rollout, make_run
from tests.naive import naive_labels
from tests.served import asked_questions, stored
from warehouse import Warehouse
from warehouse.judging import Judging
from warehouse.writer import Writer

pytestmark = pytest.mark.slow


def judge(warehouse: Warehouse, run_id: str, served: ServedAnswer, form: str, score: float) -> None:
    """One answer of a judge to one question, as a run stores it."""
    writer, problem = Writer(warehouse), judged_problem(served, "1", "math")
    writer.add_run(replace(make_run(run_id), kind="judge"))
    writer.add_problems([problem], np.zeros((1, 384), dtype=np.float32))
    rollout = make_rollout(
        rollout_id=f"{run_id}-{served.request_id}",
        run_id=run_id,
        problem_id=problem.problem_id,
        checkpoint_id=None,
        policy="judge",
        purpose="ask",
        mode="fixed",
    )
    rollout = replace(rollout, extracted_answer=form, score=score)
    writer.add_rollouts([(rollout, naive_labels(rollout.trace))])


def test_a_question_is_judged_once_and_only_where_nobody_spoke(
    empty: Warehouse, tmp_path: Path
) -> None:
    asked = asked_questions(
        {
            "What is 1 + 1?": [],
            "What is 2 + 2?": [(1.0, None)],
            "What is 3 + 3?": [],
            "(not kept)": [],
            "And twice that?": [],
            "What is 4 + 4?": [],
        }
    )
    requests = [
        replace(item, messages=3 if place == 4 else 1, received_at=item.received_at + place)
        for place, item in enumerate(asked.requests)
    ]
    # The first question was asked again, last of all.
    first, *_, last = asked.answered
    repeated = replace(last, problem=replace(last.problem, question=first.problem.question))
    answered = [*asked.answered[:-1], repeated]
    stored(empty, tmp_path / "landed", replace(asked, requests=requests, answered=answered))
    judging = Judging(empty)

    def waiting(run_id: str, most: int = 9) -> list[str]:
        return [item.request_id for item in judging.waiting(run_id, "math", most=most)]

    assert waiting("judge-1") == ["q5", "q2"]
    assert waiting("judge-1", most=1) == ["q5"]
    assert judging.waiting("judge-1", "text", most=9) == ()
    chosen = judging.waiting("judge-1", "math", most=9)[1]
    assert chosen.question == "What is 3 + 3?"
    judge(empty, "judge-1", chosen, "6", 0.0)
    assert judging.answers("judge-1") == {"q2": [JudgeAnswer(form="6", score=0.0)]}
    # The run that began with it goes on with it, others leave it.
    assert waiting("judge-1", most=2) == ["q2", "q5"]
    assert waiting("judge-2") == ["q5"]
    assert [result.name for result in empty.audit() if result.rows.height] == []
