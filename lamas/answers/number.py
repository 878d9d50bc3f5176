"""How a number is read out of a solution text and compared: the rules used for GSM8K."""

import re
from fractions import Fraction

from lamas.answers.final_answer import Marked, last_mark, last_phrase, tidy
from lamas.answers.found import NOTHING, Found

TOLERANCE = Fraction(1, 10**6)
DECIMALS = 6
LONGEST_DIGITS = 60
LARGEST_EXPONENT = 60
SCALES = {
    "thousand": 10**3,
    "lakh": 10**5,
    "million": 10**6,
    "crore": 10**7,
    "billion": 10**9,
    "trillion": 10**12,
}

# In order: 1,234,567.8 · 12,34,567 · 1'234'567 or 1_234_567 · 1.234.567,8 · 12 345 678.9 · plain.
_DIGITS = (
    r"(?:[1-9]\d{0,2}(?:,\d{3})+(?!\d)(?:\.\d+)?|[1-9]\d?(?:,\d{2})+,\d{3}(?!\d)(?:\.\d+)?"
    r"|[1-9]\d{0,2}(?:['’]\d{3})+(?![\d'’])(?:\.\d+)?|[1-9]\d{0,2}(?:_\d{3})+(?!\w)(?:\.\d+)?"
    r"|[1-9]\d{0,2}(?:(?:\.\d{3}){2,}(?:,\d+)?|\.\d{3},\d{1,2})(?!\d)"
    r"|[1-9]\d{0,2}(?:\x20\d{3})+(?![\d/]|-\w|\x20\d)(?:\.\d+)?"
    r"|0,\d+(?![\d,])|\d+(?:\.\d+)?|\.\d+)"
)
NUMBER = re.compile(
    rf"""
    (?<!\w)(?<!\d\.)
    (?P<minus>(?:-|(?:^|(?<=[=:(])|(?<=[=:(]\s))-\s)(?=[$€£¥₹\\\d.]))?
    (?:[$€£¥₹]\s*)?
    (?P<inner_minus>-(?=[\d.]))?
    (?:
        (?P<whole>\d+)?\s*\\frac\s*(?:\{{\s*(?P<up>-?{_DIGITS})\s*\}}|(?P<up1>\d))
                              \s*(?:\{{\s*(?P<down>{_DIGITS})\s*\}}|(?P<down1>\d))
      | (?:(?P<mixed>\d+)\s+(?:and\s+)?)?(?P<over>{_DIGITS})\s*/\s*(?P<under>{_DIGITS})(?![\d/])
      | (?P<base>\d{{1,9}})\s*\^\s*(?:\{{\s*(?P<raised>-?\d{{1,3}})\s*\}}|(?P<raised1>-?\d{{1,3}}))
      | (?P<plain>{_DIGITS})
        (?:[eE](?P<power>[+-]?\d+)(?!\w)
          |\s*(?:\\times|\\cdot|×|\*|x)\s*10\s*(?:\^|\*\*)\s*\{{?\s*(?P<power10>[+-]?\d+)\s*\}}?)?
    )
    (?:\s*(?P<scale>thousand|lakh|million|crore|billion|trillion)s?\b)?
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
    ("⁄", "/"),
)
VULGAR = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5",
    "⅗": "3/5", "⅘": "4/5", "⅙": "1/6", "⅚": "5/6", "⅐": "1/7", "⅛": "1/8", "⅜": "3/8",
    "⅝": "5/8", "⅞": "7/8", "⅑": "1/9", "⅒": "1/10",
}  # fmt: skip
VULGAR_SIGN = re.compile(f"[{''.join(VULGAR)}]")
RAISED = re.compile(r"(?<=\d)[⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
UNRAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
GROUP_SPACE = re.compile(r"(?<=\d)(?:\\,|\u00a0|\u2009|\u202f)(?=\d{3}(?!\d))")
WRAPPED = re.compile(r"\\(?:text|mbox|mathrm|textbf|mathbf)\s*\{([^{}]*)\}")
DECIMAL_COMMA = re.compile(
    r"^[^\w,]{0,4}\d+,(?:\d{1,2}|\d{4,})(?=[^\w,]{0,4}$|\s*[€%]|\s+[A-Za-z]|\.\s)"
)
BEFORE_TERM = re.compile(r"[\s(\[{*]*(?:\\[(\[])?\s*")
AFTER_TERM = re.compile(r"\s*(?:%|[A-Za-z]+\b(?:\s+[A-Za-z]+\b)?)?[\s)\]}]*(?:\\[)\]])?\s*")
EQUALS = re.compile(r"(?:=|≈|\\approx)(?!=)")
OPERATION = re.compile(
    r"[-+*/×÷·^]|\\(?:times|cdot|div)(?![a-z])|(?:x|plus|minus|times|divided by|over)\b"
)
WORD_OPERATION = re.compile(r"\b(?:x|plus|minus|times|divided by|over)\b")


def find_number(text: str) -> Found:
    r"""The answer of a text as a number: the marked one, else the last one; `form` is canonical.

    Marks are \boxed{}, `####`, `<answer>`, and "the answer is" directly before the number.
    Canonical means no separators, unit, percent sign or trailing zeros, six decimals (below 0.1:
    six digits), so "1,000", "$1000.00" and "10^3" are all "1000".
    """
    text = _cleaned(text)
    mark = last_mark(text, phrases=False)
    phrase = last_phrase(text)
    marks: list[Marked] = [] if mark is None else [mark]
    if (
        phrase is not None
        and DIRECT.match(phrase.content)
        and (mark is None or phrase.start > mark.start)
    ):
        marks.insert(0, phrase)
    for marked in marks:
        value = _stated(marked.content)
        if value is not None:
            return _found(value, marked.place, marked.content)
    if _is_decimal_comma(text):
        return _found(_stated(text), "all of the text", text)
    last = None
    for match in NUMBER.finditer(text):
        if _value(match) is not None:
            last = match
    return NOTHING if last is None else _found(_value(last), "the last number", last[0])


def extract_number(text: str) -> str | None:
    """Canonical form of the number a text answers; None without any."""
    return find_number(text).form


def read_number(text: str) -> Fraction | None:
    """The value of a text that is one number with at most units and signs around it."""
    return _first(_cleaned(text))


def canonical_number(value: Fraction) -> str:
    """Decimal text of a value without trailing zeros: an integer, or rounded.

    Rounded to six decimals; below one tenth to six digits after the leading zeros, so that a small
    number never becomes 0.
    """
    if value.denominator == 1:
        return str(value.numerator)
    decimals = DECIMALS
    while abs(value) * 10**decimals < 10 ** (DECIMALS - 1) and decimals < 3 * LARGEST_EXPONENT:
        decimals += 1
    scaled = round(value * 10**decimals)
    whole, part = divmod(abs(scaled), 10**decimals)
    digits = f"{part:0{decimals}d}".rstrip("0")
    sign = "-" if scaled < 0 else ""
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def same_number(left: str, right: str) -> bool:
    """Whether two canonical numbers are equal up to one millionth, below 1 of the larger one.

    Integers are equal or different.
    """
    a, b = Fraction(left), Fraction(right)
    if a.denominator == b.denominator == 1:
        return a == b
    return abs(a - b) <= TOLERANCE * min(Fraction(1), max(abs(a), abs(b)))


def _found(value: Fraction | None, place: str, written: str) -> Found:
    if value is None:
        return NOTHING
    return Found(form=canonical_number(value), written=written.strip(), place=place)


def _cleaned(text: str) -> str:
    text = tidy(text)
    text = RAISED.sub(lambda raised: "^" + raised[0].translate(UNRAISED), text)
    text = VULGAR_SIGN.sub(lambda sign: f" {VULGAR[sign[0]]}", GROUP_SPACE.sub("", text))
    for old, new in REPLACED:
        text = text.replace(old, new)
    return tidy(WRAPPED.sub(r" \1 ", text))


def _stated(content: str) -> Fraction | None:
    """The number a marked passage states: "3 + 4 = 7" states 7, "12, as 3 + 4 = 7" states 12."""
    if _is_decimal_comma(content):
        return _first(content.replace(",", ".", 1))
    filler = DIRECT.match(content)
    sides = _sides(content[filler.end() :] if filler else content)
    if not sides:
        # It begins with a word or a variable: what is equated with it counts.
        _, equals, after = content.partition("=")
        sides = _sides(after) if equals else []
    single = [side[0] for side in sides if len(side) == 1]
    if not single:
        return _first(content)
    return single[-1] if len(sides[-1]) == 1 else single[0]


def _sides(content: str) -> list[list[Fraction]]:
    """The terms on each side of the equations a text begins with, up to the first other word."""
    sides: list[list[Fraction]] = []
    position, opens_side = 0, True
    while True:
        position = _end(BEFORE_TERM, content, position)
        term = NUMBER.match(content, position)
        value = _value(term) if term else None
        if term is None or value is None:
            # "12 = x" ends with a name: the side stays empty and does not count.
            return sides
        if opens_side:
            sides.append([])
        sides[-1].append(value)
        after = AFTER_TERM.match(content, term.end())
        unit = after[0] if after else ""
        spoken = WORD_OPERATION.search(unit)
        position = term.end() + (spoken.start() if spoken else len(unit))
        if equals := EQUALS.match(content, position):
            position, opens_side = equals.end(), True
        elif operation := OPERATION.match(content, position):
            position, opens_side = operation.end(), False
        else:
            return sides


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _is_decimal_comma(text: str) -> bool:
    """Whether a passage is one number with a comma that separates no thousands, as in "2,5 km"."""
    return DECIMAL_COMMA.match(text) is not None


def _first(text: str) -> Fraction | None:
    for match in NUMBER.finditer(text):
        value = _value(match)
        if value is not None:
            return value
    return None


def _value(match: re.Match[str]) -> Fraction | None:
    """None for a number too long to be an answer, or a division by zero."""
    if len(match[0]) > LONGEST_DIGITS:
        return None
    groups = {key: text for key, text in match.groupdict().items() if text}
    whole = Fraction(groups.get("whole") or groups.get("mixed") or 0)
    if "plain" in groups:
        power = int(groups.get("power") or groups.get("power10") or 0)
        if abs(power) > LARGEST_EXPONENT:
            return None
        value = _decimal(groups["plain"]) * Fraction(10) ** power
    elif "base" in groups:
        raised = int(groups.get("raised") or groups["raised1"])
        base = int(groups["base"])
        if abs(raised) * len(groups["base"]) > LARGEST_EXPONENT or (base == 0 and raised < 0):
            return None
        value = Fraction(base) ** raised
    else:
        upper = _decimal(groups.get("up") or groups.get("up1") or groups["over"])
        lower = _decimal(groups.get("down") or groups.get("down1") or groups["under"])
        if lower == 0:
            return None
        value = whole + upper / lower
    if "scale" in groups:
        value *= SCALES[groups["scale"].lower()]
    return -value if ("minus" in groups) != ("inner_minus" in groups) else value


def _decimal(written: str) -> Fraction:
    """The value of digits with separators; a comma after dots, or after a lone 0, is a point."""
    bare = re.sub(r"[\s'’_]", "", written)
    head, comma, tail = bare.rpartition(",")
    if comma and ("." in head or (head in ("0", "-0") and "," not in head)):
        return Fraction(f"{head.replace('.', '')}.{tail}")
    if bare.count(".") > 1:
        return Fraction(bare.replace(".", ""))
    return Fraction(bare.replace(",", ""))
