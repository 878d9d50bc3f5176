"""Served answers judged by what a stronger model answers to the same question.

The judge answers first and is compared then, by the benchmark's own scorer ("reference-guided
grading", Zheng et al., Judging LLM-as-a-judge, 2023, §3.4): asked for a mark alone, models praise
wrong calculations.
"""

from collections.abc import Sequence

from lamas.domain import Problem, TaskFamily, digest
from lamas.domain.judged import JUDGE, PREFIX, JudgeAnswer, ServedAnswer
from lamas.domain.problem import asked_problem
from lamas.domain.served import Feedback
from lamas.operators.sc_ensemble import strict_plurality


def judged_problem(served: ServedAnswer, form: str | None, family: TaskFamily) -> Problem:
    """The question again, with the answer that was served, of canonical form `form`, in the place
    of the right one: a rollout's score is then whether the judge agrees.
    """
    return asked_problem(
        served.question,
        family,
        problem_id=f"{PREFIX}{served.request_id}",
        benchmark="judged",
        reference=form or "",
    )


def verdict(
    request_id: str,
    answers: Sequence[JudgeAnswer],
    *,
    agreement: int,
    run_id: str,
    judge: str,
    given_at: float,
) -> Feedback | None:
    """What is said of one served answer: the judges' most frequent answer as the right one, and
    whether it was served. None when fewer than `agreement` of them are equal, or two are as many.

    `judge` names the model; `given_at` is in seconds since the epoch.
    """
    forms = [item.form for item in answers]
    place = strict_plurality(forms)
    if place is None:
        return None
    chosen = answers[place]
    equal = forms.count(chosen.form)
    if equal < agreement:
        return None
    return Feedback(
        feedback_id=f"feedback-{digest(run_id, request_id)[:24]}",
        request_id=request_id,
        client=f"{JUDGE}{judge}",
        score=chosen.score,
        reference=chosen.form,
        comment=f"{equal} of {len(answers)} answers agree",
        given_at=given_at,
    )
