"""How the letter of a multiple-choice answer is found in a solution text."""

import re
from collections.abc import Sequence
from string import ascii_uppercase

from lamas.answers.final_answer import LAST_LINE, Marked, last_mark, tidy
from lamas.answers.found import NOTHING, Found
from lamas.answers.plain_text import canonical_text

MOST_CHOICES = len(ascii_uppercase)
SHORT = 300
BARE_LEAD = 20
REASONED_LEAD = 60
SAID_PLACE = 'after "answer is"'
# An "A" before a small word is the article, "I" before any word the pronoun.
CAPITAL = r"(?:A(?!\s+[a-z])|I(?!\s+\w|['’])|[B-HJ-Z])(?![\w'’-])"
SMALL = r"[a-z](?=\s*[).:\]}]|\s*$)"
LETTER = re.compile(
    rf"[\s$*\"'`]*(?:\\text(?:bf)?\s*\{{|\\mathrm\s*\{{|\\mathbf\s*\{{)?[\s*]*"
    rf"(?:[(\[{{]\s*\*{{0,2}}([A-Za-z])\*{{0,2}}\s*(?:[)\]}}]|$)|({CAPITAL}|{SMALL}))"
)
SAID = re.compile(
    r"\b(?:answer|option|choice|letter|statement|response)\b(?:\s+(?:to|for|here)\b[^.:\n]{0,80}?)?"
    r"[\s*\"']{0,6}(?:\b(?:is|are|(?:would|should|must|will)\s+be)\b|:|=)"
    r"(?:[\s:*,]*\b(?:therefore|thus|then|clearly|most likely|probably|indeed|the|an?|best|correct"
    r"|option|choice|letter|answer|is)\b)*[\s:*]*(?=(?P<rest>[^\n]*))",
    re.IGNORECASE,
)
WHOLE = re.compile(r"\(?([A-Za-z])(?:[.):](?=\s|$)|\s*$)")
LINE = re.compile(r"[\s*_\"'`$(\[{]*([A-Za-z])[\s*_\"'`$)\]}.]*")
REJECTED = (
    r"(?!\W{0,4}(?:\b(?:is|are|was|can|could|does|do|would|seems?|be|must)\b\W+)?(?:\w+ly\s+)?"
    r"(?:(?:not|n't|isn't|cannot\s+be|can't\s+be)\s+(?:be\s+)?(?:the\b|an?\b|correct|right|true|valid"
    r"|consistent|possible|plausible|supported|applicable)|incorrect|wrong|false|ruled\s+out"
    r"|eliminated|implausible)\b)"
)
NAMED = re.compile(
    rf"\b(?i:option|choice|letter|answer)\s*[:*\s]*(?:\(([A-Za-z])\)|({CAPITAL})){REJECTED}"
)
ENCLOSED = re.compile(rf"(?<![\w)])\(([A-Z])\){REJECTED}|\*\*\(?([A-Z])[.):]{{0,2}}\*\*{REJECTED}")
CUED = re.compile(
    r"\b(?i:hence|so|therefore|thus|pick|choose|chose|select|think|believe|be|is|with|guess|say"
    rf"|it's)(?i:\s*[:,]?\s*(?:it(?:'s|\s+is)|i\s+(?:pick|choose|say)))?\s*[:,]?\s+[(*\"'`]*({CAPITAL})"
    r"(?=[)*\"'`]*(?:[.,;:!?]|\s*$|\s+(?:it\s+is|because|since|as|for)\b))"
)
NEGATED = re.compile(
    r"\b(?:not|rather\s+than|instead\s+of|neither|nor)\s+(?:option\s+|choice\s+)?\(?[A-Z]\)?(?![\w'])"
)
CORRECTED = re.compile(r"^\W*not\b[^.\n]{0,80}?\bbut\s+(?:rather\s+)?", re.IGNORECASE)
CORRECTION = re.compile(
    r"\b(?:wait|actually|no|sorry|mistake|instead|however|correction|but|rather|revised?|oops)\b",
    re.IGNORECASE,
)
FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]*\$|\\\(.*?\\\)|\\\[.*?\\\]", re.DOTALL)
OPEN_FORMULA = re.compile(r"(?:\$|\\\(|\\\[)[^$]*\Z")
OWN_LABEL = re.compile(r"\s*[(\[]?([A-Z])[).:\]]\s*")


def find_choice(text: str, choices: Sequence[str] = ()) -> Found:
    """Upper-case letter of the chosen option; nothing when no single one of the options stands out.

    `choices` are the options' texts in the order of their letters, empty where only their number is
    known; letters beyond them are no answers. In order: a marked answer, a text or a last line that
    is a letter, the last "option X", the last "(X)" or bold letter, a last "so X" or "pick X".
    """
    letters = ascii_uppercase[: len(choices) or MOST_CHOICES]
    text = tidy(text)
    marked = _marked(text, choices, letters)
    if marked is not None:
        return marked
    lines = [line for line in text.splitlines() if line.strip()]
    whole = WHOLE.match(text) if len(lines) == 1 and len(text) <= SHORT else None
    last = LINE.fullmatch(lines[-1]) if lines else None
    begun = [match for line in lines if (match := WHOLE.match(line.strip()))]
    if last is None and len(begun) == 1 and len(lines) > 1:
        last = WHOLE.match(lines[-1].strip())
    for match, place in ((whole, "the text begins with it"), (last, LAST_LINE)):
        if match is not None and match[1].upper() in letters:
            return Found(form=match[1].upper(), written=match[0].strip(), place=place)
    # What is left of a formula that was cut off names quantities, not options.
    prose = NEGATED.sub(" ", OPEN_FORMULA.sub(" ", FORMULA.sub(_single_letter, text)))
    named = [
        (match.start(), match, place)
        for pattern, place, reach in (
            (NAMED, "the last option named", len(prose)),
            (ENCLOSED, "the last letter in brackets or bold", SHORT),
            (CUED, 'the last letter after a word such as "so" or "pick"', SHORT),
        )
        for match in pattern.finditer(prose, max(0, len(prose) - reach))
        if _letter_of(match) in letters
    ]
    if not named:
        return NOTHING
    _, match, place = max(named, key=lambda item: item[0])
    return Found(form=_letter_of(match), written=match[0].strip(), place=place)


def _marked(text: str, choices: Sequence[str], letters: str) -> Found | None:
    """The last marked letter of an option, or the option whose text is marked."""
    marks = [Marked(said["rest"], said.start(), SAID_PLACE) for said in SAID.finditer(text)]
    mark = last_mark(text)
    if mark is not None:
        marks.append(mark)
    read: list[tuple[Marked, Found]] = []
    for marked in sorted(marks, key=lambda item: item.start):
        found = _chosen(marked, choices, letters)
        if found is None:
            continue
        # "Final answer: the answer is (B)" is one statement, and the last of a line counts.
        same_line = read and "\n" not in text[read[-1][0].start : marked.start]
        read.append((read.pop()[0] if same_line else marked, found))
    while len(read) > 1 and _only_restates(text, read[-1][0], read[-2][0]):
        read.pop()
    return read[-1][1] if read else None


def _chosen(marked: Marked, choices: Sequence[str], letters: str) -> Found | None:
    content = CORRECTED.sub("", marked.content)
    written = marked.content.strip()
    named = LETTER.match(content) or NAMED.search(content)
    if named is not None and _letter_of(named) in letters:
        return Found(form=_letter_of(named), written=written, place=marked.place)
    position = _option_of(content, choices)
    if position is None:
        return None
    place = f"the text of an option {marked.place}"
    return Found(form=letters[position], written=written, place=place)


def _only_restates(text: str, later: Marked, earlier: Marked) -> bool:
    """Whether the later mark stands in a line of its own that gives no reason for another answer.

    Few-shot prompts make models end with a "Final answer" that belongs to an example; where the
    earlier one ends a line of reasoning, that one was meant. Words of correction tell otherwise.
    """
    begin = text.rfind("\n", 0, later.start) + 1
    before = text.rfind("\n", 0, earlier.start) + 1
    between = text[earlier.start : begin].partition("\n")[2]
    return (
        before < begin
        and not between.strip()
        and later.start - begin <= BARE_LEAD
        and earlier.start - before > REASONED_LEAD
        and CORRECTION.search(text, begin) is None
    )


def _letter_of(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group).upper()


def _option_of(content: str, choices: Sequence[str]) -> int | None:
    """Which option's text a passage is, from 0; None when none or several are."""
    said = canonical_text(content)
    texts = [canonical_text(text) for text in choices]
    same = [position for position, text in enumerate(texts) if text and text == said]
    return same[0] if len(same) == 1 else None


def _single_letter(formula: re.Match[str]) -> str:
    inside = formula[0].strip("$\\()[] ")
    return f"({inside})" if re.fullmatch(r"(?:\\text\{)?[A-Z]\}?", inside) else " "


def without_labels(options: Sequence[str]) -> list[str]:
    """Options without letters of their own ("A)5"), if every one of them carries its letter."""
    labels = [OWN_LABEL.match(option) for option in options]
    own = [label[1] if label else "" for label in labels]
    if own != list(ascii_uppercase[: len(options)]):
        return list(options)
    return [option[label.end() :] for option, label in zip(options, labels, strict=True) if label]


def lettered(question: str, options: Sequence[str]) -> str:
    """The question followed by its options as A, B, C …"""
    listed = "\n".join(
        f"{letter}. {option}" for letter, option in zip(ascii_uppercase, options, strict=False)
    )
    return f"{question}\n\n{listed}"
