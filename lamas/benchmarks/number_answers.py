"""How a number is read out of a solution text and compared: the rules used for GSM8K."""

import re
from fractions import Fraction

from lamas.benchmarks.final_answer import last_mark, last_phrase, tidy

TOLERANCE = Fraction(1, 10**6)
DECIMALS = 6
LONGEST_DIGITS = 60
LARGEST_EXPONENT = 60
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}

_DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
NUMBER = re.compile(
    rf"""
    (?<!\w)(?<!\d\.)
    (?P<minus>(?:-|(?:^|(?<=[=:(])|(?<=[=:(]\s))-\s)(?=[$€£¥₹\\\d.]))?
    (?:[$€£¥₹]\s*)?
    (?P<inner_minus>-(?=[\d.]))?
    (?:
        (?P<whole>\d+)?\s*\\frac\s*(?:\{{\s*(?P<up>-?{_DIGITS})\s*\}}|(?P<up1>\d))
                              \s*(?:\{{\s*(?P<down>{_DIGITS})\s*\}}|(?P<down1>\d))
      | (?:(?P<mixed>\d+)\s+)?(?P<over>{_DIGITS})\s*/\s*(?P<under>{_DIGITS})(?![\d/])
      | (?P<plain>{_DIGITS})
        (?:[eE](?P<power>[+-]?\d+)(?!\w)
          |\s*(?:\\times|\\cdot|×|\*|x)\s*10\s*(?:\^|\*\*)\s*\{{?\s*(?P<power10>[+-]?\d+)\s*\}}?)?
    )
    (?:\s*(?P<scale>thousand|million|billion|trillion)s?\b)?
    """,
    re.VERBOSE | re.IGNORECASE,
)
DIRECT = re.compile(
    r"^(?:\s|about|approximately|roughly|exactly|equal to|therefore|only|=|≈|:|\(|\\\(|\\\[|\*)*"
    r"(?=[-$€£¥₹\d.]|\\frac)",
    re.IGNORECASE,
)
REPLACED = (
    ("−", "-"),
    ("–", "-"),
    ("\u00a0", " "),
    ("\\$", "$"),
    ("\\%", "%"),
    ("{,}", ","),
    ("\\!", ""),
    ("\\dfrac", "\\frac"),
    ("\\tfrac", "\\frac"),
    ("\\cfrac", "\\frac"),
    ("**", " "),
)
GROUP_SPACE = re.compile(r"(?<=\d)(?:\\,|\u2009|\u202f)(?=\d{3}(?!\d))")
WRAPPED = re.compile(r"\\(?:text|mbox|mathrm|textbf|mathbf)\s*\{([^{}]*)\}")


def extract_number(text: str) -> str | None:
    r"""Canonical form of the answer: the marked number, else the last one; None without any.

    Marks are \boxed{}, `####`, `<answer>`, and "the answer is" directly before the number.
    Canonical means no separators, unit, percent sign or trailing zeros, six decimals at most, so
    "1,000", "$1000.00" and "10^3" written as `1 \times 10^3` are all "1000".
    """
    text = _cleaned(text)
    mark = last_mark(text, phrases=False)
    phrase = last_phrase(text)
    if phrase is not None and (mark is None or phrase.start > mark.start):
        direct = DIRECT.match(phrase.content)
        value = _first(_after_equals(phrase.content)) if direct else None
        if value is not None:
            return canonical_number(value)
    if mark is not None:
        value = _first(_after_equals(mark.content))
        if value is not None:
            return canonical_number(value)
    return None if (value := _last(text)) is None else canonical_number(value)


def read_number(text: str) -> Fraction | None:
    """The value of a text that is one number with at most units and signs around it."""
    return _first(_cleaned(text))


def canonical_number(value: Fraction) -> str:
    """Decimal text of a value: an integer, or rounded to six decimals without trailing zeros."""
    if value.denominator == 1:
        return str(value.numerator)
    scaled = round(value * 10**DECIMALS)
    whole, part = divmod(abs(scaled), 10**DECIMALS)
    decimals = f"{part:0{DECIMALS}d}".rstrip("0")
    sign = "-" if scaled < 0 else ""
    return f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}"


def same_number(left: str, right: str) -> bool:
    """Whether two canonical numbers are equal up to one millionth."""
    return abs(Fraction(left) - Fraction(right)) <= TOLERANCE


def _cleaned(text: str) -> str:
    text = tidy(text)
    for old, new in REPLACED:
        text = text.replace(old, new)
    return tidy(WRAPPED.sub(r" \1 ", GROUP_SPACE.sub("", text)))


def _after_equals(line: str) -> str:
    """ "3 + 4 = 7" answers 7: what stands behind the last equals sign, if that holds a number."""
    tail = re.split(r"(?<![<>!=])=(?!=)", line)[-1]
    return tail if NUMBER.search(tail) else line


def _first(text: str) -> Fraction | None:
    for match in NUMBER.finditer(text):
        value = _value(match)
        if value is not None:
            return value
    return None


def _last(text: str) -> Fraction | None:
    last = None
    for match in NUMBER.finditer(text):
        value = _value(match)
        if value is not None:
            last = value
    return last


def _value(match: re.Match[str]) -> Fraction | None:
    """None for a number too long to be an answer, or a division by zero."""
    if len(match[0]) > LONGEST_DIGITS:
        return None
    groups = {key: text.replace(",", "") for key, text in match.groupdict().items() if text}
    whole = Fraction(groups.get("whole") or groups.get("mixed") or 0)
    if "plain" in groups:
        power = int(groups.get("power") or groups.get("power10") or 0)
        if abs(power) > LARGEST_EXPONENT:
            return None
        value = Fraction(groups["plain"]) * Fraction(10) ** power
    else:
        upper = Fraction(groups.get("up") or groups.get("up1") or groups["over"])
        lower = Fraction(groups.get("down") or groups.get("down1") or groups["under"])
        if lower == 0:
            return None
        value = whole + upper / lower
    if "scale" in groups:
        value *= SCALES[groups["scale"].lower()]
    return -value if ("minus" in groups) != ("inner_minus" in groups) else value
