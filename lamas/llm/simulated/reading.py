"""What a prompt shows: lettered candidates, an earlier solution, a program's result."""

import re
from collections.abc import Sequence

_LETTERED = re.compile(r"^\(?([A-Z]{1,2})[):.] ?", re.MULTILINE)
_ASKS_FOR_STATEMENT = r"\boxed"


def without_question(messages: Sequence[str], question: str) -> str:
    """The messages as one text, the question taken out: what else the model is shown."""
    text = "\n".join(messages)
    return text.replace(question, "") if question else text


def candidates(text: str) -> list[str]:
    """The solutions listed as `A: …`, `B: …` in order of their letters; empty when there is none.

    A line that starts with any other than the next letter belongs to the solution before it.
    """
    starts: list[tuple[int, int]] = []
    for match in _LETTERED.finditer(text):
        if match.group(1) == letter(len(starts)):
            starts.append((match.start(), match.end()))
    ends = [start for start, _ in starts[1:]] + [len(text)]
    return [text[begin:end] for (_, begin), end in zip(starts, ends, strict=True)]


def letter(position: int) -> str:
    """A, B … Z, AA, AB … for positions from 0."""
    letters = ""
    rest = position + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def asks_for_statement(shown: str) -> bool:
    """Whether a prompt that shows a program wants the final answer rather than a new program."""
    return _ASKS_FOR_STATEMENT in shown
