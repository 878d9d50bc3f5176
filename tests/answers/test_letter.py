"""Which candidate a reasoned reply to ScEnsemble picks."""

import pytest

from lamas.answers.reading import find_answer

REPLIES = [
    ("Solutions A and C agree on 12; solution B made an arithmetic slip.\n\nA", "A"),
    ("Letter: A. Solution B has an error.", "A"),
    ("Solution B is incorrect. Solution C is correct.", "C"),
    ("C is the most consistent, since A and B differ.", "C"),
    ("I pick A because B forgot the minus.", "A"),
    ("B\n\nSolution A is wrong because it adds.", "B"),
    ("**Answer: C**\nA and B are off by one.", "C"),
    ("Candidate A has a mistake; candidate C makes the same mistake; candidate B is right.", "B"),
    ("The most consistent solution is A. Solution C contains an error.", "A"),
    ("Both A and B say 5. The answer is A", "A"),
    ("<think>B looks good. The answer is B.</think>\nA", "A"),
    ("<think>B it is", None),
    ("None of them is right.", None),
    ("The answer is D.", None),
]


@pytest.mark.parametrize(("reply", "letter"), REPLIES)
def test_a_reasoned_reply_picks_its_conclusion(reply: str, letter: str | None) -> None:
    assert find_answer("letter", reply, count=3).form == letter
