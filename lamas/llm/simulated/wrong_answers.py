"""Plausible wrong answers to a question whose right answer is known."""

import re
from fractions import Fraction

from lamas.llm.simulated.randomness import Draws

_INTEGER = re.compile(r"\d+")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_OPPOSITES = {
    "yes": "no",
    "no": "yes",
    "true": "false",
    "false": "true",
    "even": "odd",
    "odd": "even",
}


def plain_answer(reference: str) -> str:
    """The bare answer in a reference: after `####`, or inside the last `\\boxed{…}`, or all."""
    if "####" in reference:
        return reference.rsplit("####", 1)[1].strip()
    boxed = boxed_contents(reference)
    return (boxed[-1] if boxed else reference).strip()


def boxed_contents(text: str) -> list[str]:
    r"""Contents of every `\boxed{…}` in order, braces balanced; unclosed ones are left out."""
    found: list[str] = []
    start = text.find(r"\boxed{")
    while start >= 0:
        position = start + len(r"\boxed{")
        depth = 1
        while position < len(text) and depth:
            character = text[position]
            depth += (character == "{") - (character == "}")
            position += 1
        if not depth:
            found.append(text[start + len(r"\boxed{") : position - 1])
        start = text.find(r"\boxed{", start + 1)
    return found


def wrong_answers(answer: str, count: int, draws: Draws) -> tuple[str, ...]:
    """`count` different answers that differ from `answer`, most likely first."""
    found: list[str] = []
    taken = {_comparable(answer)}
    for attempt in range(40 * count):
        proposal = _mistake(answer, attempt, draws)
        if proposal.strip() and _comparable(proposal) not in taken:
            taken.add(_comparable(proposal))
            found.append(proposal)
            if len(found) == count:
                return tuple(found)
    # Answers too short to be varied any further, such as a single letter.
    return tuple(found + [f"{answer} {number}" for number in range(1, count + 1 - len(found))])


def _comparable(answer: str) -> str:
    return "".join(answer.lower().replace(",", "").split())


def _mistake(answer: str, attempt: int, draws: Draws) -> str:
    plain = answer.replace(",", "").strip()
    if _NUMBER.fullmatch(plain):
        return _wrong_number(plain, attempt, draws)
    numbers = list(_INTEGER.finditer(answer))
    if numbers:
        chosen = numbers[draws.below(f"which/{attempt}", len(numbers))]
        step = 1 + draws.below(f"step/{attempt}", 3 + attempt // 8)
        changed = int(chosen.group()) + step
        return f"{answer[: chosen.start()]}{changed}{answer[chosen.end() :]}"
    return _wrong_word(answer, attempt, draws)


def _wrong_number(plain: str, attempt: int, draws: Draws) -> str:
    """A slip in arithmetic: off by a little, a factor forgotten, two digits exchanged."""
    value = Fraction(plain)
    digits = len(plain.split(".")[1]) if "." in plain else 0
    unit = Fraction(1, 10**digits)
    small = 1 + draws.below(f"small/{attempt}", 3 + attempt)
    slips = (
        value + small * unit,
        value - small * unit,
        value * 2,
        value / 2,
        value * 10,
        value + 10 * small * unit,
        value - 10 * small * unit,
    )
    slip = slips[draws.below(f"slip/{attempt}", len(slips))]
    if value >= 0 > slip:
        slip = -slip
    return _written(slip, digits)


def _written(value: Fraction, digits: int) -> str:
    if digits == 0:
        return str(round(value))
    scaled = round(abs(value) * 10**digits)
    sign = "-" if value < 0 and scaled else ""
    whole, rest = divmod(scaled, 10**digits)
    return f"{sign}{whole}.{rest:0{digits}d}"


def _wrong_word(answer: str, attempt: int, draws: Draws) -> str:
    opposite = _OPPOSITES.get(answer.lower())
    if opposite and attempt == 0:
        return opposite.capitalize() if answer[0].isupper() else opposite
    if len(answer) == 1 and answer.isalpha():
        base = ord("A" if answer.isupper() else "a")
        span = 5 if ord(answer.lower()) <= ord("e") else 26
        return chr(base + draws.below(f"letter/{attempt}", span))
    words = answer.split()
    if len(words) > 1:
        first = draws.below(f"first/{attempt}", len(words))
        second = draws.below(f"second/{attempt}", len(words))
        words[first], words[second] = words[second], words[first]
        return " ".join(words)
    place = draws.below(f"place/{attempt}", len(answer)) if answer else 0
    letter = chr(ord("a") + draws.below(f"with/{attempt}", 26))
    return f"{answer[:place]}{letter}{answer[place + 1 :]}"
