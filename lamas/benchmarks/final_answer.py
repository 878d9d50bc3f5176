r"""Where a solution text marks its final answer: \boxed{}, ####, <answer> or "the answer is"."""

import re
from dataclasses import dataclass

BOXED = re.compile(r"\\f?box(?:ed)?\s*(?=[{\w\\])")
BARE = re.compile(r"\\?[A-Za-z]+|[\d.,]*\d|\S")
BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
HASHES = re.compile(r"(?<!#)####(?!#)[ \t]*(\S[^\n]*)")
PHRASE = re.compile(
    r"\banswer\b(?:\s+(?:to|for)\s[^.:\n]{0,80}?)?[\s*]{0,8}(?:\bis\b|\bare\b|:|=)"
    r"[\s:*]{0,8}(?P<rest>\S[^\n]*)",
    re.IGNORECASE,
)
JOINED_BOXES = re.compile(r"^[\s$,;.]*(?:and|or|,|;|\\text\{\s*(?:and|or)\s*\})?[\s$,;.]*$")
BLANKS = re.compile(r"[^\S\n]{2,}")
BLANK_LINES = re.compile(r"\s*\n\s*\n\s*")
ENUMERATION = re.compile(r"^(?:step\b|\d+[.)]\s+[A-Za-z])", re.IGNORECASE)
HEADING_WORDS = 6
LONGEST_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class Marked:
    """A passage that the writer marked as the answer."""

    content: str
    start: int
    """Where the mark begins in the text; later marks win."""


def tidy(text: str) -> str:
    """The end of a text (where answers stand) with runs of blanks squeezed: bounds all matching."""
    return BLANK_LINES.sub("\n\n", BLANKS.sub(" ", text[-LONGEST_TEXT:])).strip()


def last_mark(text: str, *, phrases: bool = True) -> Marked | None:
    """The last marked answer of a text; None when nothing is marked.

    An unclosed box (a truncated text) marks nothing.
    """
    candidates = [last_boxed(text), _last_tagged(text), _last_hashes(text)]
    if phrases:
        candidates.append(last_phrase(text))
    found = [candidate for candidate in candidates if candidate is not None]
    return max(found, key=lambda mark: mark.start, default=None)


def last_boxed(text: str) -> Marked | None:
    r"""The last \boxed{…}; boxes joined by "and", "or" or a comma are one answer."""
    closing = _closing_braces(text)
    contents: list[str] = []
    start = 0
    for match in reversed(list(BOXED.finditer(text))):
        box = _box(text, match, closing)
        if box is None:
            continue
        mark, end = box
        if contents and (end > start or not JOINED_BOXES.match(text[end:start])):
            break
        if mark.content not in contents:
            contents.append(mark.content)
        start = mark.start
    return Marked(", ".join(reversed(contents)), start) if contents else None


def last_phrase(text: str) -> Marked | None:
    """What follows the last "answer is", "answer:" or "result =", to the end of that line."""
    last = None
    for match in PHRASE.finditer(text):
        last = match
    return None if last is None else Marked(last["rest"].strip(), last.start())


def _closing_braces(text: str) -> dict[int, int]:
    r"""Position of each opening brace that is closed, and of its closing one; `\{` is none."""
    if "box" not in text:
        return {}
    opened: list[int] = []
    closing: dict[int, int] = {}
    for match in BRACE.finditer(text):
        if match[0] == "{":
            opened.append(match.start())
        elif match[0] == "}" and opened:
            closing[opened.pop()] = match.start()
    return closing


def _box(text: str, match: re.Match[str], closing: dict[int, int]) -> tuple[Marked, int] | None:
    begin = match.end()
    if text[begin] == "{":
        end = closing.get(begin)
        if end is None:
            return None
        return Marked(text[begin + 1 : end].strip(), match.start()), end + 1
    token = BARE.match(text, begin)
    return None if token is None else (Marked(token[0], match.start()), token.end())


def _last_tagged(text: str) -> Marked | None:
    lowered = text.lower()
    end = lowered.rfind("</answer>")
    start = lowered.rfind("<answer>", 0, max(end, 0))
    return None if start < 0 else Marked(text[start + len("<answer>") : end].strip(), start)


def _last_hashes(text: str) -> Marked | None:
    """The last `#### answer`; four hashes are also a markdown heading, which marks nothing."""
    last = None
    for match in HASHES.finditer(text):
        line = match[1].strip().strip("*").strip()
        is_heading = ENUMERATION.match(line) or len(line.split()) > HEADING_WORDS
        if line and not is_heading and not line.endswith(":"):
            last = Marked(line, match.start())
    return last
