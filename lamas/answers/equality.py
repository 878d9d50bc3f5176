"""Whether two formulas are equal, asked of math-verify, with what it overlooks looked at again.

Loaded only in a child process: it is slow to import, and hostile formulas take any time.
"""

import re
from contextlib import suppress
from fractions import Fraction
from functools import lru_cache
from typing import cast

from math_verify import LatexExtractionConfig, parse, verify
from sympy import Basic, Expr, FiniteSet, Interval, MatrixBase, Rational, Set, Tuple, Union
from sympy.core.expr import UnevaluatedExpr
from sympy.core.relational import Equality, Relational

from lamas.answers.formula import TRAILING_UNIT, UNIT

Parsed = Basic | MatrixBase

TOLERANCE = 1e-6 * (1 + 1e-9)
DIGITS = 40
MOST_PARTS = 16
POINTS = (Rational(37, 23), Rational(61, 47))
NO_PARSE = "LaTeX does not parse"
ROUND_ROOT = re.compile(r"\\sqrt\s*(\[[^\[\]]*\])?\s*\(")
ROUND_FRACTION = re.compile(r"\\([dt]?frac)\s*\(([^()]*)\)\s*\(([^()]*)\)")
UPRIGHT = re.compile(
    r"\\(?:mathrm|operatorname|text|mathit|mathbf)\s*\{\s*([A-Za-z])\s*\}|\{\\rm\s+(\w)\}"
)
REPEATING = re.compile(r"(\d*)\.(\d*)\\overline\s*\{(\d+)\}")
EITHER = re.compile(r"\\text\s*\{\s*or\s*\}|(?<![A-Za-z\\])or(?![A-Za-z])|\\(?:lor|vee)(?![a-z])")
PERCENT = re.compile(r"\\?%")
THOUSANDS = re.compile(r"(?<=\d)(?:,\\!|\{,\}|\\,)(?=\d{3}(?!\d))")
PART = re.compile(r"(?<![A-Za-z\\])(?:\d+(?:\.\d+)?|[A-Za-z](?![A-Za-z]))")
# What is written with these alone the parser takes in whole.
UNDERSTOOD = re.compile(
    r"(?:[\dA-Za-z+\-*/^(){}=<>,.\s]|\\(?:[dt]?frac|sqrt)(?=\s*[{\[\d])|\\(?:pi|cdot|times|left|right"
    r"|infty|cup|leq?|geq?)(?![A-Za-z]))*"
)
COMMAND = re.compile(r"\\(?:begin|end|text\w*|mbox|mathrm|operatorname)\s*\{[^{}]*\}|\\[A-Za-z]+")


def equal(gold: str, answer: str) -> tuple[bool, str]:
    """Whether the answer equals the gold one, and why not; 50% is 50 as well as 0.5."""
    bare = PERCENT.sub("", gold), PERCENT.sub("", answer)
    if bare == (gold, answer):
        return _equal(gold, answer)
    scaled = [
        form if form == full else f"({form})/100"
        for form, full in zip(bare, (gold, answer), strict=True)
    ]
    verdict = _equal(*bare)
    return verdict if verdict[0] else _equal(*scaled)


def _equal(gold: str, answer: str) -> tuple[bool, str]:
    expected, given = parsed(prepared(gold)), parsed(prepared(answer))
    for written, formula, name in ((gold, expected, "reference"), (answer, given, "answer")):
        if formula is None:
            same = _squeezed(gold) == _squeezed(answer)
            return same, "" if same else f"{NO_PARSE}: the {name} {written[:60]}"
    assert expected is not None
    assert given is not None
    if not verify([expected], [given], allow_set_relation_comp=True, timeout_seconds=None):
        return False, ""
    # Comparing oddities fails in odd ways; math-verify's word stands then.
    with suppress(TypeError, ValueError, AttributeError, NotImplementedError):
        if differ(expected, given):
            return False, ""
    for written, formula in ((gold, expected), (answer, given)):
        lost = dropped(prepared(written), formula)
        if lost:
            return False, f"{lost!r} in {written[:60]} is not understood"
    return True, ""


def prepared(latex: str) -> str:
    """Spellings that the parser drops or takes for something else, written its way."""
    form = latex.strip().strip("$").strip()
    form = THOUSANDS.sub("", form.replace("\\$", "").replace("−", "-"))
    form = UPRIGHT.sub(_upright, form)
    form = REPEATING.sub(_repeating, form)
    while root := ROUND_ROOT.search(form):
        closing = _closing(form, root.end() - 1)
        if closing is None:
            break
        index = root[1] or ""
        inside = form[root.end() : closing]
        form = f"{form[: root.start()]}\\sqrt{index}{{{inside}}}{form[closing + 1 :]}"
    form = ROUND_FRACTION.sub(r"\\\1{\2}{\3}", form)
    without_unit = UNIT.sub("", form)
    return TRAILING_UNIT.sub("", without_unit) if re.search(r"\d|\\pi", without_unit) else form


@lru_cache(maxsize=4096)
def parsed(latex: str) -> Parsed | None:
    """The formula of all of the text; None when it does not parse, whatever a part of it says.

    Relations joined by "or" are the union of what they allow.
    """
    sides = [_formula(part) for part in EITHER.split(latex)]
    if len(sides) == 1:
        return sides[0]
    relations = [side for side in sides if isinstance(side, Relational)]
    symbols = {symbol for relation in relations for symbol in relation.free_symbols}
    is_range = len(symbols) == 1 and not any(isinstance(side, Equality) for side in sides)
    if len(relations) == len(sides) and is_range:
        return cast("Set", Union(*(cast("Set", relation.as_set()) for relation in relations)))
    return _formula(latex)


def _formula(latex: str) -> Parsed | None:
    # None switches the limit off; the library's annotation knows only int.
    unlimited = cast("int", None)
    found = cast(
        "list[Parsed | str]",
        parse(
            f"${latex}$",
            [LatexExtractionConfig()],
            fallback_mode="no_fallback",
            extraction_mode="first_match",
            parsing_timeout=unlimited,
        ),
    )
    return next((formula for formula in found if not isinstance(formula, str)), None)


def dropped(latex: str, formula: Parsed) -> str | None:
    """A number or letter of the text that could be another without changing what was parsed."""
    blank = COMMAND.sub(lambda command: " " * len(command[0]), latex)
    # Nothing times anything is nothing.
    if formula == 0 or UNDERSTOOD.fullmatch(latex):
        return None
    for part in list(PART.finditer(blank))[:MOST_PARTS]:
        other = _another(part[0])
        # A set has no name for its elements.
        if part[0].isalpha() and isinstance(formula, Set):
            continue
        changed = parsed(latex[: part.start()] + other + latex[part.end() :])
        if changed is not None and changed == formula:
            return part[0]
    return None


def differ(left: Parsed, right: Parsed) -> bool:
    """Whether two formulas found equal are apart: small numbers are compared relatively."""
    if isinstance(left, Equality) and isinstance(right, Equality):
        same_side = cast("object", left.lhs) == cast("object", right.lhs)
        return same_side and differ(cast("Parsed", left.rhs), cast("Parsed", right.rhs))
    left, right = (
        cast("Parsed", side.rhs) if isinstance(side, Equality) else side for side in (left, right)
    )
    pairs = _pairs(left, right)
    if pairs is not None:
        return any(differ(a, b) for a, b in pairs)
    if isinstance(left, Expr) and isinstance(right, Expr):
        return _values_differ(left, right)
    return False


def _pairs(left: Parsed, right: Parsed) -> list[tuple[Parsed, Parsed]] | None:
    """The parts to compare; None for what has none, empty where they cannot be paired."""
    if isinstance(left, MatrixBase) and isinstance(right, MatrixBase):
        elements = (cast("list[Parsed]", left.flat()), cast("list[Parsed]", right.flat()))
        return list(zip(*elements, strict=False))
    if isinstance(left, Interval) and isinstance(right, Interval):
        return [(left.start, right.start), (left.end, right.end)]
    if isinstance(left, Tuple) and isinstance(right, Tuple):
        return list(zip(left.args, right.args, strict=False))
    if isinstance(left, FiniteSet) and isinstance(right, FiniteSet):
        return list(zip(_by_value(left), _by_value(right), strict=False))
    if isinstance(left, Set | Relational | Union) or isinstance(right, Set | Relational):
        return []
    return None


def _by_value(elements: FiniteSet) -> list[Basic]:
    return sorted(elements.args, key=lambda item: (_number(item) is None, _order(item)))


def _order(item: Basic) -> float:
    number = _number(item)
    return 0.0 if number is None else float(abs(number)) * (-1 if number.is_negative else 1)


def _number(item: Basic) -> Expr | None:
    if not isinstance(item, Expr) or item.free_symbols:
        return None
    value = item.doit().evalf(DIGITS)
    return value if value.is_number and value.is_finite else None


def _values_differ(left: Expr, right: Expr) -> bool:
    if left.has(UnevaluatedExpr) or right.has(UnevaluatedExpr):
        # A percentage is right as 50 and as 0.5.
        return False
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    for point in POINTS:
        at = [(symbol, point + number) for number, symbol in enumerate(symbols)]
        a, b = _number(left.subs(at)), _number(right.subs(at))
        if a is not None and b is not None and not _close(a, b):
            return True
    return False


def _close(a: Expr, b: Expr) -> bool:
    apart, largest = abs(a - b), max(abs(a), abs(b), key=float)
    return float(apart) <= TOLERANCE and float(apart) <= TOLERANCE * float(largest)


def _upright(match: re.Match[str]) -> str:
    letter = match[1] or match[2]
    begins_name = re.search(r"[A-Za-z]$", match.string[: match.start()]) is not None
    return f" {letter}" if begins_name else letter


def _repeating(match: re.Match[str]) -> str:
    whole, lead, period = match.groups()
    scale = 10 ** len(lead)
    value = Fraction(int((whole or "0") + lead), scale)
    value += Fraction(int(period), scale * (10 ** len(period) - 1))
    return f"\\frac{{{value.numerator}}}{{{value.denominator}}}"


def _another(part: str) -> str:
    """A number or letter of the same shape."""
    if part.isalpha():
        return "w" if part != "w" else "u"
    return part[:-1] + ("7" if part[-1] != "7" else "3")


def _closing(text: str, opening: int) -> int | None:
    depth = 0
    for position in range(opening, len(text)):
        depth += (text[position] == "(") - (text[position] == ")")
        if not depth:
            return position
    return None


def _squeezed(text: str) -> str:
    return re.sub(r"[\s$]+", "", text)
