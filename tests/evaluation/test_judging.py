"""A judge is believed when enough of its answers agree, and says what would have been right."""

import pytest

from lamas.domain.judged import JudgeAnswer, ServedAnswer
from lamas.domain.served import Feedback
from lamas.evaluation.judging import judged_problem, verdict


def said(forms: list[str | None], served: str, agreement: int) -> Feedback | None:
    return verdict(
        "q1",
        [JudgeAnswer(form=form, score=float(form == served)) for form in forms],
        agreement=agreement,
        run_id="judge-1",
        judge="strong",
        given_at=5.0,
    )


def test_what_most_answers_say_is_right() -> None:
    given = said(["7", "8", "7"], served="8", agreement=2)
    assert given is not None
    assert (given.score, given.reference) == (0.0, "7")
    assert (given.client, given.comment) == ("judge:strong", "2 of 3 answers agree")
    again = said(["7", None, "7"], served="7", agreement=2)
    assert again is not None
    assert again.score == 1.0
    # Of one request of one run: what is repeated is the same statement.
    assert again.feedback_id == given.feedback_id


@pytest.mark.parametrize(
    ("forms", "agreement"),
    [
        ([], 1),
        ([None, None, None], 1),
        (["7", "8", "9"], 2),
        (["7", "7", "8"], 3),
        (["7", "7", "8", "8"], 2),
    ],
)
def test_without_agreement_nothing_is_said(forms: list[str | None], agreement: int) -> None:
    assert said(forms, served="7", agreement=agreement) is None


def test_the_served_answer_stands_in_the_place_of_the_right_one() -> None:
    served = ServedAnswer(request_id="q1", question="What is 3 + 4?", answer="It is 8.")
    assert judged_problem(served, "8", "math").reference == "8"
    unread = judged_problem(served, None, "text")
    assert (unread.problem_id, unread.question, unread.reference) == (
        "judged/q1",
        "What is 3 + 4?",
        "",
    )
