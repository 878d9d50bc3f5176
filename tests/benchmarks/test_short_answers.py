"""The scorers choice and exact against tables of answers."""

import pytest

from lamas.benchmarks.scorers import build_scorer

CHOICES: list[tuple[str, str, bool]] = [
    ("B", "B", True),
    ("B", "b", True),
    ("B", "(B)", True),
    ("B", "B.", True),
    ("B", "B) four", True),
    ("B", "B. four", True),
    ("B", r"\boxed{B}", True),
    ("B", r"\boxed{\text{(B)}}", True),
    ("B", "The answer is B.", True),
    ("B", "The answer is (B) four.", True),
    ("B", "**Answer: B**", True),
    ("B", "<answer>B</answer>", True),
    ("B", "#### B", True),
    ("B", "A is wrong, so option B it is", True),
    ("B", "We choose **B**", True),
    ("B", "A car has wheels, so I pick (B)", True),
    ("B", "It cannot be A or C, hence B", True),
    ("A", "A", True),
    ("A", "The answer is A.", True),
    ("A", "A bird in the hand", False),
    ("B", "C", False),
    ("B", "The answer is four.", False),
    ("B", "", False),
    ("B", "no idea", False),
]
TEXTS: list[tuple[str, str, bool]] = [
    ("Paris", "Paris", True),
    ("Paris", "paris.", True),
    ("Paris", "**Paris.**", True),
    ("Paris", "The answer is Paris.", True),
    ("Paris", "Answer: “Paris”", True),
    ("Paris", r"\boxed{\text{Paris}}", True),
    ("Paris", "<answer> Paris </answer>", True),
    ("Paris", "Let me think.\n\nParis", True),
    ("Paris", "It was Rome.", False),
    ("Paris", "Paris and Rome", False),
    ("new york", "New   York", True),
    ("3 * 5", "3 * 5", True),
    ("3 * 5", "35", False),
    ("Yes", "yes!", True),
    ("Yes", "No", False),
    ("Yes", "", False),
    ("ﬁve", "five", True),
    ("Monday", "The final answer is: Monday", True),
]


@pytest.mark.parametrize(("reference", "answer", "right"), CHOICES)
async def test_choice_pairs(reference: str, answer: str, right: bool):
    score = await build_scorer("choice").score(reference, answer)
    assert score.value == float(right), score


@pytest.mark.parametrize(("reference", "answer", "right"), TEXTS)
async def test_exact_pairs(reference: str, answer: str, right: bool):
    score = await build_scorer("exact").score(reference, answer)
    assert score.value == float(right), score
