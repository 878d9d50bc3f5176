"""Reading and writing the texts that go between operators and models: letters, fences, tails."""

import re
from collections.abc import Sequence

from lamas.domain import ToolExecution

_FENCE = re.compile(r"```[ \t]*([\w+-]*)[^\n]*\n(.*?)(?:```|\Z)", re.DOTALL)
_BOXED = re.compile(r"\\boxed\{\s*(?:\\text\{)?\(?([A-Za-z]{1,2})\)?\}?\s*\}")
_NAMED = re.compile(
    r"\b(?:answer|solution|candidate|letter|option|choice|choose|pick|select)\b"
    r"(?:\s+(?:is|letter|candidate|solution|option))*[\s:*(\"'`]*([A-Z]{1,2})\b",
    re.IGNORECASE,
)
_ALONE = re.compile(r"(?<![\w'])([A-Z]{1,2})(?![\w'])")


def letter(position: int) -> str:
    """A, B … Z, AA, AB … for positions from 0."""
    letters = ""
    rest = position + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def lettered(texts: Sequence[str], characters: int) -> str:
    """`A: …`, blank line, `B: …`; each text keeps its end when all exceed `characters` together."""
    shares = _shares([len(text) for text in texts], characters)
    return "\n\n".join(
        f"{letter(position)}: {tail(text.strip(), share)}"
        for position, (text, share) in enumerate(zip(texts, shares, strict=True))
    )


def chosen_position(reply: str, count: int) -> int | None:
    """Which of `count` letters a reply names, from 0; None when it names none of them."""
    positions = {letter(position): position for position in range(count)}
    bare = re.sub(r"[^A-Za-z]+", " ", reply).strip().upper()
    if bare in positions:
        return positions[bare]
    for pattern in (_BOXED, _NAMED):
        found = [match.upper() for match in pattern.findall(reply)]
        known = [item for item in found if item in positions]
        if known:
            return positions[known[-1]]
    alone = [item for item in _ALONE.findall(reply) if item in positions]
    # "A" inside a sentence is mostly the article, so any other letter is better evidence.
    telling = [item for item in alone if item != "A"] or alone
    return positions[telling[-1]] if telling else None


def fenced_program(text: str, needle: str) -> str | None:
    """The last fenced Python block that holds `needle`, as it stands; None without one.

    An unclosed fence runs to the end.
    """
    blocks = [
        body.strip("\n")
        for language, body in _FENCE.findall(text)
        if language.lower() in ("", "python", "py", "python3") and needle in body
    ]
    return blocks[-1] if blocks else None


def tail(text: str, characters: int) -> str:
    """The last `characters` of a text, marked with an ellipsis when something is left out."""
    if len(text) <= characters:
        return text
    return "…" + text[-max(1, characters - 1) :]


def complaint(execution: ToolExecution) -> str:
    """Why a program failed, in words a model can act on."""
    if execution.limits_hit:
        return f"The program was stopped: {', '.join(execution.limits_hit)} limit reached."
    return execution.stderr.strip() or f"The program ended with exit code {execution.exit_code}."


def _shares(lengths: Sequence[int], characters: int) -> list[int]:
    """Shares the room evenly; what short texts leave over goes to the long ones."""
    shares = [0] * len(lengths)
    room = characters
    ascending = sorted(range(len(lengths)), key=lambda position: lengths[position])
    for served, position in enumerate(ascending):
        share = min(lengths[position], max(1, room // (len(lengths) - served)))
        shares[position] = share
        room -= share
    return shares
