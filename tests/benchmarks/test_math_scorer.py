"""The MATH scorer against a table of answers, from spelling to equivalence."""

from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.answers.formula import canonical_math, find_formula
from lamas.benchmarks.math_judge import MathJudge
from lamas.benchmarks.scorers import MathScorer

SCORER = MathScorer(lru_cache(lambda: MathJudge(seconds=1)))

# (reference, answer, whether it is right)
PAIRS: list[tuple[str, str, bool]] = [
    # numbers and fractions
    (r"\frac12", "0.5", True),
    ("0.5", r"\frac12", True),
    (r"\frac{1}{2}", r"\boxed{\dfrac{1}{2}}", True),
    (r"\frac{1}{2}", r"\tfrac12", True),
    (r"\frac{1}{2}", "1/2", True),
    (r"\frac{1}{2}", r"\frac{2}{4}", True),
    (r"\frac{1}{2}", ".5", True),
    (r"\frac{1}{2}", r"\frac{1}{3}", False),
    (r"\frac 34", r"\frac{3}{4}", True),
    (r"\frac9{19}", r"\frac{9}{19}", True),
    (r"-\frac{1}{2}", r"\frac{-1}{2}", True),
    (r"-\frac{1}{2}", r"\frac{1}{-2}", True),
    (r"-\frac{1}{2}", r"\frac{1}{2}", False),
    (r"3\frac{1}{8}", r"\frac{25}{8}", True),
    (r"3\frac18", "3.125", True),
    (r"3 \frac{3}{8}", "27/8", True),
    (r"\frac{1}{3}", "0.333333", True),
    (r"\frac{1}{3}", "0.33", False),
    ("1000000", r"1,\!000,\!000", True),
    ("1000000", "1,000,000", True),
    ("1000000", "1{,}000{,}000", True),
    ("10080", r"10,\!080", True),
    ("2", "2.0", True),
    ("2", "3", False),
    ("2", "-2", False),
    ("0", r"\frac{0}{5}", True),
    # roots, powers, constants
    (r"\sqrt2", r"\sqrt{2}", True),
    (r"2\sqrt{3}", r"2\sqrt3", True),
    (r"2\sqrt{3}", r"\sqrt{12}", True),
    (r"\frac{\sqrt{3}}{3}", r"\frac{1}{\sqrt{3}}", True),
    (r"\frac{6\sqrt{5}}{5}", r"\frac{6}{\sqrt5}", True),
    (r"\sqrt{2}", r"\sqrt{3}", False),
    (r"14\pi", r"14 \pi", True),
    (r"\frac{3}{4}\pi", r"\frac{3\pi}{4}", True),
    (r"14\pi", "14", False),
    ("2^{10}", "1024", True),
    ("e^2", "e^{2}", True),
    # polynomials and expressions
    ("x^2+2x+1", "(x+1)^2", True),
    ("x^2+2x+1", "1+2x+x^2", True),
    ("x^2+2x+1", "x^2+2x", False),
    ("4(3-x)(3+x)", "36-4x^2", True),
    ("7(x+3)(x-3)", "7(x-3)(x+3)", True),
    (r"\frac{x+2}{7}", r"\frac{2+x}{7}", True),
    ("p+q-r", "p-r+q", True),
    ("2k", "2m", False),
    (r"\frac{1}{y}+y", r"y+\frac1y", True),
    ("1+2i", "2i+1", True),
    ("1+2i", "1-2i", False),
    ("8-i", r"\boxed{8 - i}", True),
    # assignments and equations
    ("5", "x = 5", True),
    ("x=5", "5", True),
    ("x=5", "x=5", True),
    ("x=5", "y=5", False),
    ("y = x^2 + 2", "x^2+2", True),
    ("4x-5y=-50", "4x - 5y + 50 = 0", True),
    ("x^2+y^2=13", "x^2+y^2=14", False),
    # intervals
    ("(-\\infty,4)", r"(-\infty, 4)", True),
    ("[0,1)", r"\left[0,1\right)", True),
    ("[0,1)", "[0,1]", False),
    ("[0,1)", "(0,1)", False),
    ("(-5,\\infty)", r"(-5, +\infty)", True),
    (r"(-\infty,2)\cup(3,\infty)", r"(3,\infty)\cup(-\infty,2)", True),
    (r"(-\infty,2)\cup(3,\infty)", r"(-\infty,2)", False),
    (r"x \in [-2,7]", "[-2,7]", True),
    (r"[-2,7]", r"x \in [-2,7]", True),
    # pairs, lists, sets
    ("(1,2)", "(1, 2)", True),
    ("(1,2)", "(2,1)", False),
    (r"\left(\frac34,5\right)", "(0.75,5)", True),
    ("(1,3)", "1,3", False),
    ("1,3", "(1,3)", False),
    ("1,3", "3, 1", True),
    ("1,3", r"1 \text{ and } 3", True),
    ("1,3", "1 and 3", True),
    ("1,3", r"\boxed{1} and \boxed{3}", True),
    ("1,3", r"\{1,3\}", True),
    ("1,3", "1", False),
    (r"19 \text{ and }43", "19, 43", True),
    (r"\{1,2\}", r"\{2,1\}", True),
    (r"\{1,2\}", r"\{1,2,3\}", False),
    ("(4,1,4,0)", "(4, 1, 4, 0)", True),
    (r"\frac{1}{2}, -\frac{1}{12}", r"0.5, -\frac{1}{12}", True),
    # matrices
    (
        r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
        r"\begin{pmatrix}1&2\\3&4\end{pmatrix}",
        True,
    ),
    (
        r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
        r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}",
        True,
    ),
    (
        r"\begin{pmatrix} 1/2 \\ 3 \end{pmatrix}",
        r"\begin{pmatrix} \frac12 \\ 3 \end{pmatrix}",
        True,
    ),
    (
        r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
        r"\begin{pmatrix} 1 & 2 \\ 3 & 5 \end{pmatrix}",
        False,
    ),
    # text
    (r"\text{Evelyn}", "Evelyn", True),
    (r"\text{Evelyn}", r"\boxed{\text{evelyn}}", True),
    (r"\text{Evelyn}", r"\text{Carla}", False),
    (r"\text{(C)}", "C", True),
    (r"\text{(C)}", r"\boxed{(C)}", True),
    (r"\text{C}", r"\text{(B)}", False),
    (r"\text{June 20}", "June 20", True),
    (r"\text{June 20}", "June 21", False),
    (r"\text{even}", r"\text{odd}", False),
    ("B, C", "B,C", True),
    # units
    (r"5\text{ inches}", "5", True),
    (r"5\text{ inches}", r"\boxed{5 \text{ in}}", True),
    ("25", r"25 \, \text{km}", True),
    (r"440\text{ cm}^2", "440", True),
    (r"440\text{ cm}^2", "440 cm^2", True),
    (r"864 \mbox{ inches}^2", "864", True),
    ("90", r"90^\circ", True),
    (r"90^{\circ}", "90 degrees", True),
    (r"50\%", "50", True),
    ("50", "50%", True),
    (r"\$18.90", "18.9", True),
    (r"\$18.90", r"\boxed{\$18.90}", True),
    (r"9\text{ a.m.}", "9 AM", True),
    (r"9\text{ a.m.}", r"9\text{ p.m.}", False),
    # found in a solution text
    ("10", r"Thus it is $\boxed{10}$.", True),
    ("10", "The answer is $10$.", True),
    ("10", "The final answer is 10. I hope it is correct.", True),
    ("10", "We get $x = 4 + 6 = 10$", True),
    ("10", "so there are 10 of them, I think", True),
    (r"\frac{1}{2}", "Therefore the probability is\n$$\\frac{1}{2}.$$", True),
    ("10", r"\boxed{9} was wrong; the answer is $10$.", True),
    ("-5", r"We find \boxed{-5}. We check that this answer is correct.", True),
    # LaTeX that does not parse, and other ruins
    ("10", r"\boxed{10", True),
    (r"\frac{1}{2}", r"\boxed{\frac{1}{", False),
    ("10", r"\boxed{}", False),
    ("10", r"\boxed{\undefinedmacro{10}}", False),
    (r"\text{neither}", r"\boxed{\text{neither", True),
    ("10", "", False),
    ("10", "I cannot solve this.", False),
    ("10", r"\boxed{\begin{align} \end{pmatrix}}", False),
    ("10", r"\boxed{" + "(" * 300 + "}", False),
    ("10", r"\boxed{10^{10^{10^{10}}}}", False),
]


def test_table_is_large_enough():
    assert len(PAIRS) >= 100


@pytest.mark.slow
@pytest.mark.parametrize(("reference", "answer", "right"), PAIRS)
async def test_math_pairs(reference: str, answer: str, right: bool):
    score = await SCORER.score(reference, answer)
    assert score.value == float(right), score


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        ((r"\frac12", "0.5", r"\boxed{\dfrac{1}{2}}", "The answer is $1/2$."), "1/2"),
        (("1,000", "1000.0", r"\boxed{1{,}000}", r"x = 1000\text{ cm}"), "1000"),
        ((r"\boxed{\text{Evelyn}}", "Evelyn", r"The answer is \text{evelyn}."), "evelyn"),
        ((r"(1,\,2)", r"\left(1, 2\right)"), "(1,2)"),
        (("", "I give up!"), None),
    ],
)
async def test_equal_answers_vote_together(texts: tuple[str, ...], form: str | None):
    assert {await MathScorer().extract(text) for text in texts} == {form}


@given(st.text(alphabet="0123456789{}\\fracsqrt ()[],.=$^_-+xyand", max_size=120))
def test_any_text_is_spelled_without_an_error_and_spelling_again_changes_nothing(text: str):
    form = find_formula(text).form
    assert form is None or canonical_math(form) == canonical_math(canonical_math(form))


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**4))
def test_every_rational_has_one_spelling(numerator: int, denominator: int):
    sign = "-" if numerator < 0 else ""
    size = abs(numerator)
    spellings = {
        canonical_math(f"{sign}\\frac{{{size}}}{{{denominator}}}"),
        canonical_math(f"{sign}\\dfrac{{{2 * size}}}{{{2 * denominator}}}"),
        canonical_math(f"{numerator}/{denominator}"),
        canonical_math(f"x = {numerator}/{denominator}"),
    }
    assert len(spellings) == 1
