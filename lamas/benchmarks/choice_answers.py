"""How the letter of a multiple-choice answer is found in a solution text."""

import re
from string import ascii_uppercase

from lamas.benchmarks.final_answer import last_mark, tidy

LETTER = re.compile(r"^[\s$*\"'`(\[{]*(?:\\text\{)?[(\s]*([A-Za-z])(?![A-Za-z'])")
NAMED = re.compile(r"\b(?:option|choice)\s*[:*(\s]*([A-Z])\b(?!')", re.IGNORECASE)
ENCLOSED = re.compile(r"\(([A-Z])\)|\*\*([A-Z])[.)]?\*\*")
ALONE = re.compile(r"(?<![\w'])([A-Z])(?![\w'])(?=[.):,;\s]|$)")
ARTICLE = re.compile(r"(?<![\w'])(?:A(?= [a-z])|I(?= ))")


def extract_choice(text: str) -> str | None:
    """Upper-case letter of the chosen option; None when no single letter stands out.

    In order: a marked answer, a text that begins with a letter and a separator, the last
    "option X", the last "(X)" or bold letter, the last capital standing alone (articles excepted).
    """
    text = tidy(text)
    mark = last_mark(text)
    if mark is not None:
        letter = LETTER.match(mark.content) or NAMED.search(mark.content)
        if letter is not None:
            return letter[1].upper()
    whole = re.match(r"^\(?([A-Za-z])(?:[.):](?=\s|$)|\s*$)", text)
    if whole is not None:
        return whole[1].upper()
    for pattern in (NAMED, ENCLOSED, ALONE):
        found = list(pattern.finditer(ARTICLE.sub(" ", text)))
        if found:
            return next(group for group in found[-1].groups() if group).upper()
    return None


def lettered(question: str, options: list[str]) -> str:
    """The question followed by its options as A, B, C …"""
    listed = "\n".join(
        f"{letter}. {option}" for letter, option in zip(ascii_uppercase, options, strict=False)
    )
    return f"{question}\n\n{listed}"


def reference_letter(answer: str, options: list[str] | None, *, is_index: bool) -> str | None:
    """The letter a reference means: a letter, an index from 0, or the text of an option."""
    letters = ascii_uppercase[: len(options)] if options else ascii_uppercase
    if is_index:
        return letters[int(answer)] if 0 <= int(answer) < len(letters) else None
    bare = answer.strip().strip("()").rstrip(".").upper()
    if len(bare) == 1 and bare in letters:
        return bare
    matching = [
        letter
        for letter, option in zip(ascii_uppercase, options or [], strict=False)
        if option.strip().casefold() == answer.strip().casefold()
    ]
    return matching[0] if len(matching) == 1 else None
