"""Why answers are empty, and what is said of them."""

import pytest

from lamas.llm.empty_answers import AnswerEnd, EmptyAnswers, why_empty

THOUGHT = ("no_text", "only_reasoning")


@pytest.mark.parametrize(
    ("remarks", "finish_reasons", "words"),
    [
        (THOUGHT, ("length",), "still thinking when its tokens were spent: raise operators.max_to"),
        (("only_reasoning",), ("length",), "raise operators.max_tokens"),
        (THOUGHT, ("stop",), "switch thinking off"),
        (("no_text",), ("length",), "think unseen: raise operators.max_tokens"),
        (("no_text",), ("content_filter",), "content filter"),
        (("usage_incomplete", "no_text"), ("stop",), "no text (finish_reason stop)"),
        (("no_text",), (), "finish_reason nothing"),
    ],
)
def test_an_empty_answer_has_its_reason_and_remedy(
    remarks: tuple[str, ...], finish_reasons: tuple[str, ...], words: str
) -> None:
    assert words in (why_empty(remarks, finish_reasons) or "")


@pytest.mark.parametrize("finish", ["stop", "length", "content_filter"])
def test_an_answer_that_holds_text_is_not_empty(finish: str) -> None:
    assert why_empty(("usage_incomplete", "text_mended"), (finish,)) is None


@pytest.mark.slow
def test_the_most_frequent_reason_is_the_one_told() -> None:
    ends = [
        AnswerEnd(remarks=(), finish_reasons=("stop",), count=5),
        AnswerEnd(remarks=("no_text",), finish_reasons=("content_filter",), count=2),
        AnswerEnd(remarks=THOUGHT, finish_reasons=("length",), count=3),
    ]
    found = EmptyAnswers.among(ends)
    assert (found.given, found.empty) == (10, 5)
    assert str(found).startswith("5 of 10 answers are empty because the model was still thinking")
    assert EmptyAnswers.among([]) == EmptyAnswers(given=0, empty=0, because="")
