"""Where in a text that is still being written the answer is whole: what follows is not needed."""

import re
from typing import Literal

StreamEnd = Literal["boxed", "fence"]
r"""`boxed`: behind the first `\boxed{…}`; `fence`: behind the first code block."""

_BOX = "\\boxed{"
_FENCED = re.compile(r"^```[^\n]*\n.*?^```", re.DOTALL | re.MULTILINE)


def answer_end(text: str, end: StreamEnd) -> int | None:
    """The place behind the answer; None while it is not whole."""
    if end == "fence":
        block = _FENCED.search(text)
        return None if block is None else block.end()
    begin = text.find(_BOX)
    if begin < 0:
        return None
    open_braces = 1
    place = begin + len(_BOX)
    while place < len(text):
        letter = text[place]
        if letter == "\\":
            # An escaped brace is a letter.
            place += 1
        elif letter == "{":
            open_braces += 1
        elif letter == "}":
            open_braces -= 1
            if not open_braces:
                return place + 1
        place += 1
    return None
