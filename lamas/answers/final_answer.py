r"""Where a solution text marks its final answer: \boxed{}, ####, <answer> or "the answer is"."""

import re
from dataclasses import dataclass

BOXED = re.compile(r"\\f?box(?:ed)?\s*(?=[{(\w\\])")
BARE = re.compile(
    # TeX boxes one token where no brace follows; a word there is prose that names the command.
    r"\((?P<round>[^()\n]{1,80})\)|-?[\d.,]*\d|\\[A-Za-z]+(?:\s*\{[^{}\n]{0,80}\}|\s*\d)*"
    r"|[B-HJ-Zb-z](?![A-Za-z'])|[AIa](?![A-Za-z']|\s+[a-z])"
)
PLACEHOLDER = re.compile(
    r"(?:\.{2,}|…|\\[lc]?dots|_+|\?+|(?:\\text\{)?\s*(?:(?:your|the|my|an?)\s+)*(?:final\s+)?"
    r"(?:answer|result|number|letter)(?:\s+here)?\s*\}?)?",
    re.IGNORECASE,
)
BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
HASHES = re.compile(r"(?<!#)####(?!#)[ \t]*(\S[^\n]*)")
PHRASE = re.compile(
    r"(?:\banswer\b(?:\s+(?:to|for)\s[^.:\n]{0,80}?)?(?:\s*,\s*\w{1,12}\s*,)?[\s*]{0,8}"
    r"(?:\bis\b|\bare\b|\b(?:would|should|must|will)\s+be\b|:|=)"
    r"(?:\s+(?:therefore|thus|then|hence|simply|indeed|clearly)\b,?)?"
    r"|^[ \t>*#]*final(?:\s+(?:result|value|number))?[ \t*]*:)"
    # Only looked at, so that a second one on the same line is found as well.
    r"[\s:*]{0,8}(?=(?P<rest>\S[^\n]*))",
    re.IGNORECASE | re.MULTILINE,
)
TURN = re.compile(
    r"<\|(?:im_end|im_start|endoftext|eot_id|end_of_text)\|>|</s>|<end_of_turn>|\[INST\]"
)
NEXT = re.compile(
    r"^[ \t]*(?:#{1,6}[ \t]*)?(?:\*\*)?(?:question|problem|q|exercise|human|user|instruction"
    r"|example)(?:[ \t]*\d{1,3})?(?:\*\*)?[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
RECAP = re.compile(
    # Few-shot prompts make some models sum up the answers to all examples.
    r"^[^\n]{0,30}(?:\b(?:combin|consider|summari[sz]|summing|compil|put|collect|list)\w*\b[^\n]{0,40}?"
    r"\b(?:all|answers|questions)\b|总结)[^\n]*$",
    re.IGNORECASE | re.MULTILINE,
)
REPLY = re.compile(r"^[ \t]*(?:\*\*)?(?:answer|a|assistant|response)(?:\*\*)?[ \t]*:", re.I | re.M)
JOINED_BOXES = re.compile(r"^[\s$,;.]*(?:and|or|,|;|\\text\{\s*(?:and|or)\s*\})?[\s$,;.]*$")
BLANKS = re.compile(r"[^\S\n]{2,}")
BLANK_LINES = re.compile(r"\s*\n\s*\n\s*")
ENUMERATION = re.compile(r"^(?:step\b|\d+[.)]\s+[A-Za-z])", re.IGNORECASE)
HEADING_WORDS = 6
LONGEST_TEXT = 20_000
BOX = "in the last box"
TAGGED = "between the last <answer> tags"
HASHED = "after the last ####"
SAID = 'after the last "answer is"'
LAST_LINE = "on the last line"


@dataclass(frozen=True, slots=True)
class Marked:
    """A passage that the writer marked as the answer."""

    content: str
    start: int
    """Where the mark begins in the text; later marks win."""
    place: str
    """What marks it, in words."""


def tidy(text: str) -> str:
    """The end of a text (where answers stand) with runs of blanks squeezed: bounds all matching."""
    return BLANK_LINES.sub("\n\n", BLANKS.sub(" ", text[-LONGEST_TEXT:])).strip()


def own_part(text: str) -> str:
    """The text up to where its writer goes on with another question, as base models do.

    A line such as "Question:" begins one after a marked answer, or where it is answered in turn.
    """
    turn = TURN.search(text)
    if turn is not None and text[: turn.start()].strip():
        text = text[: turn.start()]
    marked = _first_mark_end(text)
    if (recap := RECAP.search(text, marked)) is not None:
        text = text[: recap.start()]
    if (first := NEXT.search(text)) is None:
        return text
    for begin in NEXT.finditer(text):
        before = text[: begin.start()].strip()
        is_answered = begin is not first or REPLY.search(text, begin.end()) is not None
        if before and (begin.start() >= marked or (is_answered and not NEXT.match(before))):
            return text[: begin.start()]
    return text


def last_mark(text: str, *, phrases: bool = True) -> Marked | None:
    r"""The last marked answer of a text; None when nothing is marked.

    An unclosed box (a truncated text), an empty one and `\boxed` as a word mark nothing.
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
    return Marked(", ".join(reversed(contents)), start, BOX) if contents else None


def last_phrase(text: str) -> Marked | None:
    """What follows the last "answer is", "answer:" or "result =", to the end of that line."""
    last = None
    for match in PHRASE.finditer(text):
        last = match
    return None if last is None else Marked(last["rest"].strip(), last.start(), SAID)


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


def open_box(text: str) -> str | None:
    """What stands in a box that is never closed, by a slip or a cut-off end; None without one."""
    closing = _closing_braces(text)
    for match in reversed(list(BOXED.finditer(text))):
        if text[match.end()] == "{" and match.end() not in closing:
            return text[match.end() + 1 :]
    return None


def _box(text: str, match: re.Match[str], closing: dict[int, int]) -> tuple[Marked, int] | None:
    begin = match.end()
    if text[begin] == "{":
        end = closing.get(begin)
        if end is None:
            return None
        content, end = text[begin + 1 : end].strip(), end + 1
    else:
        token = BARE.match(text, begin)
        if token is None:
            return None
        content, end = (token["round"] or token[0]).strip(), token.end()
    if PLACEHOLDER.fullmatch(content):
        return None
    return Marked(content, match.start(), BOX), end


def _first_mark_end(text: str) -> int:
    """Where the first marked answer ends; beyond the text when nothing is marked."""
    closing = _closing_braces(text)
    boxes = (_box(text, match, closing) for match in BOXED.finditer(text))
    ends = [box[1] for box in boxes if box is not None][:1]
    ends += [found.end() for found in (HASHES.search(text), PHRASE.search(text)) if found]
    return min(ends, default=len(text) + 1)


def _last_tagged(text: str) -> Marked | None:
    lowered = text.lower()
    end = lowered.rfind("</answer>")
    start = lowered.rfind("<answer>", 0, max(end, 0))
    if start < 0:
        return None
    return Marked(text[start + len("<answer>") : end].strip(), start, TAGGED)


def _last_hashes(text: str) -> Marked | None:
    """The last `#### answer`; four hashes are also a markdown heading, which marks nothing."""
    last = None
    for match in HASHES.finditer(text):
        line = match[1].strip().strip("*").strip()
        is_heading = ENUMERATION.match(line) or len(line.split()) > HEADING_WORDS
        if line and not is_heading and not line.endswith(":"):
            last = Marked(line, match.start(), HASHED)
    return last
