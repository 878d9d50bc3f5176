"""How a mathematical answer is found in a solution text and brought to one cheap written form."""

import re
from fractions import Fraction

from lamas.answers.final_answer import SAID, Marked, last_mark, last_phrase, open_box, tidy
from lamas.answers.found import NOTHING, Found

LONGEST_ANSWER = 1_000
LONGEST_DIGITS = 60
BARE_WORDS = 4
NESTING = 4
NEARLY = Fraction(1, 10**4)

LEAD = re.compile(
    r"^(?:(?:therefore|thus|simply|exactly|only|just|equal to|given by|that|:)\s+)+", re.IGNORECASE
)
CORRECTED = re.compile(r"^\W*not\b[^.\n]{0,80}?\bbut\s+(?:rather\s+)?", re.IGNORECASE)
REASON = re.compile(
    r"(?:\s*,)?\s+(?:because|since|rather\s+than|instead\s+of|not|and\s+not|but|which|where|when|as"
    r"|so|if|for)\s|\s+\((?:since|because|not|as|rather)\b|\s+[—–]\s",
    re.IGNORECASE,
)
JOINED_SEGMENT = re.compile(r"\s*(?:,\s*(?:and|or)?|and|or)\s*(?=\$|\\\()")
JOINED_LAST = re.compile(r"\s*(?:,\s*)?(?:and|or)(?:\s+also)?\s*")
SEGMENT = re.compile(
    r"(?<!\\)(?:\$\$(?P<a>(?:\\.|[^$\\])+)\$\$|\$(?P<b>(?:\\.|[^$\\\n])+)\$)|\\\((?P<c>.{1,500}?)\\\)|\\\[(?P<d>.{1,1500}?)\\\]",
    re.DOTALL,
)
NUMBER = re.compile(r"(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:/\d+)?")
COMMAND = re.compile(r"\\[a-zA-Z]+")
PROSE = re.compile(r"[\w .,:;'()-]*[A-Za-z]{3}[\w .,:;'()-]*")
WORD = re.compile(r"[A-Za-z]{2,}")
TEXT = re.compile(
    r"\\(?:text(?:bf|rm|it|sf|normal)?|mbox|mathrm|mathbf|operatorname)\s*\{([^{}]*)\}"
)
UNIT = re.compile(
    r"(?<=[^\s({\[,=])[\s,~\\]*\\text\{(?!\s*[ap]\.?\s?m\b)[^{}]*\}(?:\^\{?\d\}?)?\.?$"
)
HALF_DAY = re.compile(r"\s*\b([ap])\.?\s?m\b\.?", re.IGNORECASE)
THOUSANDS_MARK = re.compile(r"(?:,\\!|\{,\})(?=\d{3}(?!\d))")
JOINING = re.compile(r"\\text\{\s*(?:and|or)\s*\}|(?<![A-Za-z\\])(?:and|or)(?![A-Za-z])")
ASSIGNED = re.compile(r"^([A-Za-z](?:_\w|\([a-z]\))?)\s*(?:=|\\in(?![a-z]))\s*")
SPACING = re.compile(r"\\[!,;:> ]|\\q?quad(?![a-z])|~|\\displaystyle(?![a-z])")
SIZING = re.compile(r"\\(?:left|right|[bB]igg?[lr]?)(?![a-z])\.?")
DEGREES = re.compile(r"\^\s*(?:\\circ|\{\s*\\circ\s*\})|\\degree(?![a-z])|°")
TRAILING_UNIT = re.compile(
    r"(?<=\d)\s*(?:degrees?|units?|cm|mm|km|m|ft|feet|inch(?:es)?|in|meters?|miles?|dollars?|cents?"
    r"|hours?|minutes?|seconds?|days?|years?|square\s+\w+|cubic\s+\w+|percent|pounds?|mph)"
    r"(?:\^\{?[23]\}?)?\.?$"
)
THOUSANDS = re.compile(r"^[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$")
RATIONAL = re.compile(
    r"^(?P<sign>[-+]?)(?:(?P<plain>\d+(?:\.\d*)?|\.\d+)"
    r"|(?P<whole>\d+)?\\frac\{(?P<inner>[-+]?)(?P<up>\d+)\}\{(?P<down>\d+)\}"
    r"|(?P<over>\d+)/(?P<under>\d+))$"
)
FRACTION_ARGUMENT = re.compile(r"\\frac\s*(?:(\d)|(\{[^{}]*\})|(\\pi|[a-z]))\s*(?:(\d)|(\{))")
ROOT_ARGUMENT = re.compile(r"\\sqrt\s*(\d|[a-z])")
EXACT = re.compile(r"-?\d{1,40}(?:/[1-9]\d{0,39})?")
MIXED = re.compile(r"^([-+]?\d+)\s+(\d+)/(\d+)$")
SYNONYMS = (
    ("\\dfrac", "\\frac"),
    ("\\tfrac", "\\frac"),
    ("\\cfrac", "\\frac"),
    ("\\leq", "\\le"),
    ("\\geq", "\\ge"),
    ("\\neq", "\\ne"),
    ("\\cdot", "*"),
    ("\\times", "*"),
    ("−", "-"),
    ("–", "-"),
    ("≤", "\\le"),
    ("≥", "\\ge"),
    ("π", "\\pi"),
    ("∞", "\\infty"),
    ("∪", "\\cup"),
    ("{,}", ","),
    ("\\$", ""),
    ("$", ""),
    ("\\%", ""),
    ("%", ""),
    ("**", "^"),
    ("\u00a0", " "),
)


def find_formula(text: str) -> Found:
    """The written answer of a solution text: the marked one, a text that is nothing but an answer,
    the last formula (or formulas joined by "or", "and"), or the last number.
    """
    written, place = _written(text)
    form = canonical_math(written)
    return Found(form=form, written=written, place=place) if form else NOTHING


def _written(text: str) -> tuple[str, str]:
    """(answer, where it stood); empty when there is none."""
    text = tidy(text)
    mark = last_mark(text, phrases=False)
    phrase = last_phrase(text)
    if phrase is not None and (mark is None or _overrides(phrase, mark)):
        stated = _stated(phrase.content)
        if stated is not None:
            return stated, SAID
    if mark is not None and mark.content:
        return mark.content[:LONGEST_ANSWER], mark.place
    opened = open_box(text)
    text = text if opened is None else opened + "}" * (opened.count("{") - opened.count("}"))
    place = "all of the text" if opened is None else "in a box that is never closed"
    return (text, place) if _is_bare(text) else _last_formula(text)


def canonical_math(answer: str) -> str:
    r"""One spelling for answers that differ in spelling only; exact rationals become "a/b".

    Cheap (regular expressions, linear time) so that votes can be counted without a solver:
    `\dfrac12`, `\frac{1}{2}` and `0.5` are all "1/2", `x = 5\text{ cm}` is "5".
    """
    return _finished(_unassigned(_spelled(answer)))


def same_spelling(reference: str, answer: str) -> bool:
    """Whether two answers are equal up to spelling; `x = 5` is 5 but not `y = 5`."""
    variables = [
        match[1] if (match := ASSIGNED.match(_spelled(text))) else None
        for text in (reference, answer)
    ]
    if None not in variables and variables[0] != variables[1]:
        return False
    form = canonical_math(reference)
    return bool(form) and form == canonical_math(answer)


def _unassigned(form: str) -> str:
    """`x = 5` is 5; `x = 5, x = -5` is 5, -5, but `x = 1, y = 2` stays as it is."""
    assigned = ASSIGNED.match(form)
    if assigned is None:
        return form
    parts = [part.strip() for part in form.split(",")]
    names = [match[1] if (match := ASSIGNED.match(part)) else None for part in parts]
    if len(parts) > 1 and all(name == assigned[1] for name in names):
        return ", ".join(ASSIGNED.sub("", part, count=1) for part in parts)
    return form[assigned.end() :] if len(set(names) - {None}) == 1 else form


def _overrides(phrase: Marked, mark: Marked) -> bool:
    """A later "the answer is 4" corrects a box; "the answer is correct" does not."""
    return phrase.start > mark.start and re.search(r"[\d$]", phrase.content) is not None


def plainly_different(reference: str, answer: str) -> bool:
    """Whether two answers are exact rationals too far apart for any rounding to make them equal.

    Settles most wrong answers without a solver; percentages are left to it.
    """
    if "%" in reference or "%" in answer:
        return False
    forms = canonical_math(reference), canonical_math(answer)
    if not all(EXACT.fullmatch(form) for form in forms):
        return False
    left, right = map(Fraction, forms)
    return abs(left - right) > NEARLY


def contradicts(reference: str, answer: str) -> bool:
    """Differences a solver does not see: 9 a.m. and 9 p.m.; the list 1, 3 and the pair (1, 3)."""
    if {_outer_bracket(reference), _outer_bracket(answer)} >= {"list", "pair"}:
        return True
    reference, answer = reference[:LONGEST_ANSWER], answer[:LONGEST_ANSWER]
    halves = [
        {half[1].lower() for half in HALF_DAY.finditer(TEXT.sub(r" \1 ", text))}
        for text in (reference, answer)
    ]
    return bool(halves[0] and halves[1]) and halves[0] != halves[1]


def _outer_bracket(answer: str) -> str:
    """`pair` for (a, b), `list` for a, b or {a, b}; empty for anything else."""
    form = canonical_math(answer)
    depth, commas, closed_at = 0, 0, -1
    for position, character in enumerate(form):
        depth += (character in "([{") - (character in ")]}")
        commas += character == "," and depth == 0
        if depth == 0 and closed_at < 0 and character in ")]}":
            closed_at = position
    if commas or (form.startswith("\\{") and form.endswith("\\}") and "," in form):
        return "list"
    is_round = form.startswith("(") and form.endswith(")") and closed_at == len(form) - 1
    return "pair" if is_round and "," in form else ""


def _stated(rest: str) -> str | None:
    """The answer at the start of what follows "the answer is"."""
    rest = LEAD.sub("", CORRECTED.sub("", rest.replace("**", ""), count=1), count=1)
    segments = _joined_segments(rest, SEGMENT.match(rest))
    if segments:
        return segments
    sentence = re.split(r"\.(?:\s|$)|;\s|\n", rest, maxsplit=1)[0].strip()
    reason = REASON.search(sentence)
    head = (sentence[: reason.start()] if reason else sentence).strip().rstrip(",")
    if head and _is_bare(head):
        return head
    return None


def _joined_segments(text: str, first: re.Match[str] | None) -> str | None:
    """The formula at `first` with those joined to it by a comma, "and" or "or"."""
    if first is None:
        return None
    found, end = [_inside(first)], first.end()
    while joined := JOINED_SEGMENT.match(text, end):
        following = SEGMENT.match(text, joined.end())
        if following is None:
            break
        found.append(_inside(following))
        end = following.end()
    return ", ".join(found)[:LONGEST_ANSWER]


def _is_bare(text: str) -> bool:
    """Whether a text is an answer and nothing else: one short line with hardly a word of prose."""
    if not text or "\n" in text or len(text) > LONGEST_ANSWER:
        return False
    around = SEGMENT.sub(" ", text)
    if around != text and WORD.search(JOINING.sub(" ", TEXT.sub(" ", around))):
        return False
    stripped = COMMAND.sub(" ", TEXT.sub(" ", text))
    return len(WORD.findall(stripped)) <= BARE_WORDS and not re.search(r"[?!]$", stripped)


def _last_formula(text: str) -> tuple[str, str]:
    segments = list(SEGMENT.finditer(text))
    numbers = list(NUMBER.finditer(text))
    if segments and (not numbers or numbers[-1].start() <= segments[-1].end()):
        first = len(segments) - 1
        # "$x=5$ or $x=-5$" is one answer in two formulas.
        while first:
            between = text[segments[first - 1].end() : segments[first].start()]
            is_comma = first < len(segments) - 1 and between.strip() == ","
            if not (is_comma or JOINED_LAST.fullmatch(between)):
                break
            first -= 1
        return _joined_segments(text, segments[first]) or "", "the last formula"
    return (numbers[-1][0], "the last number") if numbers else ("", "")


def _inside(segment: re.Match[str]) -> str:
    inside = next(text for text in segment.groups() if text is not None)
    return inside[:LONGEST_ANSWER].strip()


def _spelled(answer: str) -> str:
    form = answer[:LONGEST_ANSWER].strip()
    for opening, closing in (("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")):
        if form.startswith(opening) and form.endswith(closing) and len(form) > len(opening):
            form = form[len(opening) : -len(closing)].strip()
    form = THOUSANDS_MARK.sub("", form)
    for old, new in SYNONYMS:
        form = form.replace(old, new)
    form = DEGREES.sub("", SIZING.sub("", SPACING.sub(" ", form)))
    form = TEXT.sub(r"\\text{\1}", form).strip().rstrip(".").strip()
    form = JOINING.sub(",", form)
    without_unit = UNIT.sub("", form)
    if re.search(r"\d|\\pi", without_unit):
        form = TRAILING_UNIT.sub("", without_unit)
    return HALF_DAY.sub(lambda half: half[1].lower() + "m", TEXT.sub(r" \1 ", form)).strip()


def _finished(form: str) -> str:
    mixed = MIXED.match(form)
    if mixed:
        form = f"{mixed[1]}\\frac{{{mixed[2]}}}{{{mixed[3]}}}"
    is_prose = PROSE.fullmatch(form) is not None
    compact = re.sub(r"\s+", " " if is_prose else "", form).strip()
    if re.fullmatch(r"\(?[A-Za-z]\)?", compact):
        return compact.strip("()")
    if THOUSANDS.match(compact):
        compact = compact.replace(",", "")
    compact = re.sub(r"\s*,\s*", ",", compact)
    compact = _braced(compact)
    rational = RATIONAL.match(compact)
    if rational and len(compact) <= LONGEST_DIGITS:
        value = _rational(rational)
        if value is not None:
            return str(value)
    return compact.casefold() if is_prose else compact


def _braced(form: str) -> str:
    """Arguments of fractions and roots in braces: `\\frac12`, `\\sqrt2`."""
    for _ in range(NESTING):
        braced = FRACTION_ARGUMENT.sub(_brace_fraction, form)
        if braced == form:
            break
        form = braced
    return ROOT_ARGUMENT.sub(r"\\sqrt{\1}", form)


def _brace_fraction(match: re.Match[str]) -> str:
    digit, group, symbol, lower_digit, lower_brace = match.groups()
    upper = group or f"{{{digit or symbol}}}"
    return f"\\frac{upper}" + (f"{{{lower_digit}}}" if lower_digit else lower_brace)


def _rational(match: re.Match[str]) -> Fraction | None:
    groups = {key: text for key, text in match.groupdict().items() if text}
    if "plain" in groups:
        value = Fraction(groups["plain"].rstrip("."))
    else:
        lower = int(groups.get("down") or groups["under"])
        if lower == 0:
            return None
        value = Fraction(int(groups.get("up") or groups["over"]), lower)
        value = -value if groups.get("inner") == "-" else value
        value += int(groups.get("whole", "0"))
    return -value if groups.get("sign") == "-" else value
