"""Which lettered candidate a reply picks, however it reasons about the others."""

import re

from lamas.answers.final_answer import LAST_LINE, tidy
from lamas.answers.found import NOTHING, Found

CAPITALS = r"(?-i:([A-Z]{1,2}))(?![\w'’])"
NOUN = r"(?:answer|solution|candidate|letter|option|choice|response)"
WEAK = re.compile(
    r"^\W{0,4}(?:(?:is|are|was|were|has|have|had|made|makes|make|contains?|includes?|does|do|did|can"
    r"|could|seems?|comes?|came|fails?|failed|forgets?|forgot|misses|missed|misreads?|miscounts?"
    r"|slips?|errs?|omits?|omitted|ignores?|uses?|used|got|gets?)\b[^.;!?\n]{0,60}?)?"
    r"\b(?:not|n't|cannot|error|errors|mistakes?|slip|slips|wrong|incorrect|inconsistent|invalid|flaw"
    r"(?:ed|s)?|fails?|failed|forgets?|forgot|misses|missed|misreads?|miscounts?|errs?|omits?|omitted"
    r"|ignores?|off|isn't|doesn't|outlier|differs?|disagrees?)\b",
    re.IGNORECASE,
)
BOXED = re.compile(r"\\boxed\{\s*(?:\\text\{)?\(?([A-Za-z]{1,2})\)?\}?\s*\}")
TAGGED = re.compile(r"<answer>\s*\(?([A-Za-z]{1,2})\)?\s*</answer>", re.IGNORECASE)
LINE = re.compile(
    rf"[\W_]*(?:(?:the\s+)?(?:(?:final|best|most\s+consistent|correct)\s+)?{NOUN}\b[\W_]*(?:is\b)?"
    r"[\W_]*)?(?:(?:solution|candidate|option)\s+)?([A-Za-z]{1,2})[\W_]*",
    re.IGNORECASE,
)
STATED = re.compile(
    rf"(?:\b{NOUN}\b(?:\s+(?:is|would\s+be|should\s+be|must\s+be)\b|\s*[*\"']*\s*[:=])"
    rf"|\b(?:choose|chose|pick|picked|select|selected|prefer|go\s+with|vote\s+for|therefore|hence|thus"
    r"|so)\b\s*[:,]?)"
    rf"(?:\s+(?:the|most|consistent|best|correct|clearly|therefore|{NOUN}|is|it\s+is))*"
    rf"[\s:*(\"'`\[]*{CAPITALS}",
    re.IGNORECASE,
)
PRAISED = re.compile(
    rf"(?<![\w'’]){CAPITALS}[\"'`*)\]]*\s+(?:is|seems|looks|appears|must\s+be|has\s+to\s+be)\s+"
    r"(?:(?:clearly|therefore|thus|the|most|a|to\s+be)\s+)*(?:consistent|correct|right|best|answer"
    r"|choice|winner|accurate|reliable)\b",
    re.IGNORECASE,
)
NAMED = re.compile(rf"\b{NOUN}\s*[:*(\"'`]*\s*{CAPITALS}", re.IGNORECASE)
ALONE = re.compile(r"(?<![\w'’])([A-Z]{1,2})(?![\w'’])")


def letter(position: int) -> str:
    """A, B … Z, AA, AB … for positions from 0."""
    letters = ""
    rest = position + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def find_letter(reply: str, count: int) -> Found:
    """Which of `count` letters a reply picks; `form` is the letter.

    In order: a letter and nothing else, a boxed or tagged one, a last or first line that is one,
    the last "the answer is X" or "I pick X", the last "X is correct", the last "solution X" and the
    last letter at all of which nothing bad is said.
    """
    known = {letter(position) for position in range(count)}
    reply = tidy(reply)
    bare = re.sub(r"[^A-Za-z]+", " ", reply).strip().upper()
    if bare in known:
        return Found(form=bare, written=reply, place="the reply is a letter")
    for pattern in (BOXED, TAGGED):
        marked = [found for found in pattern.findall(reply) if found.upper() in known]
        if marked:
            return Found(form=marked[-1].upper(), written=marked[-1], place="the last one marked")
    lines = [line for line in reply.splitlines() if line.strip()]
    for line, place in ((lines[-1:], LAST_LINE), (lines[:1], "on the first line")):
        whole = LINE.fullmatch(line[0]) if line else None
        if whole is not None and whole[1].upper() in known:
            return Found(form=whole[1].upper(), written=whole[0].strip(), place=place)
    for pattern, place in (
        (STATED, 'after the last "answer is" or "pick"'),
        (PRAISED, "the last one called right"),
        (NAMED, "the last candidate named"),
        (ALONE, "the last letter"),
    ):
        found = [match for match in pattern.finditer(reply) if _counts(match, reply, known)]
        # "A" inside a sentence is mostly the article, so any other letter is better evidence.
        telling = [match for match in found if match[1] != "A" or pattern is not ALONE] or found
        if telling:
            return Found(form=telling[-1][1].upper(), written=telling[-1][0].strip(), place=place)
    return NOTHING


def _counts(match: re.Match[str], reply: str, known: set[str]) -> bool:
    """Whether it is a candidate's letter and not followed by what is wrong with that one."""
    return match[1].upper() in known and WEAK.match(reply[match.end() : match.end() + 90]) is None
