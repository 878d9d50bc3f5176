"""Wrong answers are wrong, different, and look like the right one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.llm.simulated.randomness import Draws
from lamas.llm.simulated.wrong_answers import boxed_contents, plain_answer, wrong_answers


def boxed_naive(text: str) -> list[str]:
    """By trying every end for every start."""
    found: list[str] = []
    for start in (match.end() for match in re.finditer(re.escape(r"\boxed{"), text)):
        for end in range(start, len(text)):
            inside = text[start : end + 1]
            if inside.count("}") > inside.count("{"):
                found.append(inside[:-1])
                break
    return found


@given(
    st.text(alphabet="{}ab1") | st.lists(st.sampled_from([r"\boxed{", "{", "}", "x"])).map("".join)
)
def test_boxed_contents_equal_the_naive_reference(text: str) -> None:
    assert boxed_contents(text) == boxed_naive(text)


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        ("72", "72"),
        ("She has 4*3 = 12 left.\n#### 1,012", "1,012"),
        (r"so $\boxed{1}$ or rather $\boxed{\frac{1}{2}}$.", r"\frac{1}{2}"),
        (" yes ", "yes"),
    ],
)
def test_plain_answer(reference: str, answer: str) -> None:
    assert plain_answer(reference) == answer


@given(
    st.integers().map(str)
    | st.decimals(allow_nan=False, allow_infinity=False, places=2).map(str)
    | st.text(min_size=1)
    | st.sampled_from(["A", "yes", r"\frac{1}{2}", "x^2+3x", "[1, 2, 3]", "0", "-5", ""]),
    st.integers(1, 8),
    st.integers(),
)
def test_wrong_answers_are_distinct_and_wrong(answer: str, count: int, key: int) -> None:
    found = wrong_answers(answer, count, Draws(str(key)))
    assert len(found) == len(set(found)) == count
    assert answer not in found
    assert found == wrong_answers(answer, count, Draws(str(key)))


@given(st.integers(-10_000, 10_000), st.integers())
def test_wrong_integers_are_other_integers(value: int, key: int) -> None:
    wrong = [int(text) for text in wrong_answers(str(value), 4, Draws(str(key)))]
    assert value not in wrong
    assert all(number >= 0 for number in wrong) or value < 0


@pytest.mark.slow
def test_a_wrong_choice_is_a_letter_and_a_wrong_yes_is_no() -> None:
    assert all(len(text) == 1 and text in "ACDE" for text in wrong_answers("B", 4, Draws("b")))
    assert wrong_answers("Yes", 1, Draws("y")) == ("No",)
