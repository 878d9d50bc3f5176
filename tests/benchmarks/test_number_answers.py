"""The number rules against a table of answers as models write them."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.answers.number import canonical_number, extract_number
from lamas.benchmarks.scorers import NumberScorer

# (reference, answer, whether it is right)
PAIRS: list[tuple[str, str, bool]] = [
    # separators and decimals
    ("1000", "1,000", True),
    ("1000", "1000.0", True),
    ("1000", "1,000.00", True),
    ("1,000", "1000", True),
    ("1234567", "1,234,567", True),
    ("1234567", "1 234 567", True),
    ("1234567", "1\u202f234\u202f567", True),
    ("1000", "1{,}000", True),
    ("1000", r"1,\!000", True),
    ("1000", r"1\,000", True),
    ("1000", "1.000", False),
    ("0.5", ".5", True),
    ("0.5", "0.50", True),
    ("18", "18.", True),
    ("18", "18.0001", False),
    ("0.333333", "1/3", True),
    ("100", "1000", False),
    # signs
    ("-5", "-5", True),
    ("-5", "−5", True),
    ("-5", "-$5", True),
    ("-5", "$-5", True),
    ("-5", "5", False),
    ("5", "10-5", True),
    ("5", "10 - 5", True),
    ("-4", "x = -4", True),
    ("-4", "x = - 4", True),
    ("4", "(4)", True),
    # currency, percent, units
    ("18", "$18", True),
    ("18", r"\$18", True),
    ("18", "$18.00", True),
    ("18", "€ 18", True),
    ("18", "18 dollars", True),
    ("18", "18 USD per day", True),
    ("50", "50%", True),
    ("50", r"50\%", True),
    ("50", "50 percent", True),
    ("50", "0.5", False),
    ("5", "5kg", True),
    ("5", "5 apples", True),
    ("5", r"5\text{ apples}", True),
    ("90", r"90^\circ", True),
    ("2000000", "2 million", True),
    ("1500000", "$1.5 million", True),
    ("3000", "3 thousand", True),
    # fractions, mixed numbers, powers
    ("0.75", "3/4", True),
    ("0.5", r"\frac{1}{2}", True),
    ("0.5", r"\frac12", True),
    ("0.5", r"\dfrac{1}{2}", True),
    ("-0.75", r"-\frac{3}{4}", True),
    ("1.5", "1 1/2", True),
    ("1.5", r"1\frac{1}{2}", True),
    ("0.5", "1/0", False),
    ("1000", "1e3", True),
    ("1000", r"1 \times 10^3", True),
    ("0.002", "2 x 10^{-3}", True),
    ("1000", "10**3", False),
    # marks
    ("18", "#### 18", True),
    ("18", "####18", True),
    ("18", "#### $18.00", True),
    ("1234", "She has 5 left.\n#### 1,234", True),
    ("18", "#### 18 eggs\n", True),
    ("4", "#### Step 2: add 3\nThat makes 4.", True),
    ("4", "#### 2. Add the 3\nThat makes 4.", True),
    ("18", r"\boxed{18}", True),
    ("18", r"The answer is $\boxed{18}$ for 3 days.", True),
    ("18", r"\boxed{x = 18}", True),
    ("18", r"\boxed{18\text{ dollars}}", True),
    ("18", r"\boxed{\$18}", True),
    ("18", r"\fbox{18}", True),
    ("18", r"\boxed 18", True),
    ("0.5", r"\boxed{\frac{1}{2}}", True),
    ("18", r"\boxed{17} no wait, \boxed{18}", True),
    ("18", r"so \boxed{18", True),
    ("18", r"\boxed{12} is not it. The answer is 18.", True),
    ("18", r"The answer is 12. No: \boxed{18}", True),
    ("18", "<answer>18</answer> after 3 tries", True),
    ("18", "<ANSWER> $18 </ANSWER>", True),
    ("18", "<answer>18", True),
    ("18", "The answer is 18 dollars for 3 days.", True),
    ("18", "The final answer is: **18**", True),
    ("18", "**Answer:** 18", True),
    ("18", "**Answer:**\n\n18", True),
    ("7", "The answer is 3 + 4 = 7.", True),
    ("18", "Answer: about $18, because 2 are left", True),
    ("18", "The answer to the question is 18. (16 eggs a day)", True),
    ("13", "Answer: she has 16 eggs and eats 3, so 13 remain", True),
    ("16", "Answer: she has 16 eggs and eats 3, so 13 remain", False),
    # the last number
    ("18", "16 - 3 - 4 = 9, and 9 * 2 = 18", True),
    ("18", "First 9, then 18!", True),
    ("9", "First 9, then 18!", False),
    ("18", "18 and nothing more", True),
    ("2", "Use H2O.", False),
    ("18", "line one 1\nline two 18\n\n", True),
    ("30", "At 12:30", True),
    # nothing there
    ("18", "", False),
    ("18", "I do not know.", False),
    ("18", "eighteen", False),
    ("18", "   \n\t ", False),
    ("18", "NaN", False),
    ("18", "infinity", False),
    # too long to be answers, and hard on a naive reader
    ("18", "9" * 5000, False),
    ("18", "1e999999999", False),
    ("18", "1" + ",000" * 50, False),
    ("18", "#### " * 100 + "18", True),
    ("18", "{" * 500 + r"\boxed{18}", True),
]


def test_table_is_large_enough():
    assert len(PAIRS) >= 100


@pytest.mark.parametrize(("reference", "answer", "right"), PAIRS)
async def test_number_pairs(reference: str, answer: str, right: bool):
    score = await NumberScorer().score(reference, answer)
    assert score.value == float(right), score


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (("1,000", "1000.0", "$1000", r"\boxed{1{,}000}", "#### 1000", "1e3"), "1000"),
        (("0.5", ".50", r"\frac12", "1/2", "The answer is 0.5 km."), "0.5"),
        (("nothing", ""), None),
    ],
)
def test_equal_numbers_vote_together(texts: tuple[str, ...], form: str | None):
    assert {extract_number(text) for text in texts} == {form}


@pytest.mark.slow
@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4))
def test_every_decimal_is_read_back_however_it_is_dressed(value: Decimal):
    wanted = canonical_number(Fraction(value))
    for text in (
        f"{value}",
        f"{value:,}",
        f"#### {value:,}",
        rf"so \boxed{{{value}}} it is, after 3 steps",
        f"The answer is {value} units for 7 people",
    ):
        assert extract_number(text) == wanted, text


@given(st.fractions(max_denominator=10**6))
def test_canonical_number_is_the_rounded_decimal(value: Fraction):
    naive = f"{float(round(value, 6)):.6f}".rstrip("0").rstrip(".")
    form = canonical_number(value)
    assert abs(Fraction(form) - value) <= Fraction(1, 2 * 10**6)
    # Below one tenth six digits after the leading zeros stay, so that none becomes 0.
    assert abs(Fraction(form) - value) <= abs(value) / 10**5
    if value == 0 or Fraction(1, 10) <= abs(value) < 10**6:
        assert Fraction(form) == Fraction(naive)


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str):
    form = extract_number(text)
    assert form is None or Fraction(form) is not None
