"""Reading and writing the texts between operators and models: letters, tails, complaints."""

from collections.abc import Sequence

from lamas.answers.letter import letter
from lamas.answers.reading import find_answer
from lamas.answers.thinking import without_thinking
from lamas.domain import ToolExecution


def lettered(texts: Sequence[str], characters: int) -> str:
    """`A: …`, blank line, `B: …`; each text keeps its end when all exceed `characters` together."""
    texts = [without_thinking(text).strip() for text in texts]
    shares = _shares([len(text) for text in texts], characters)
    return "\n\n".join(
        f"{letter(position)}: {tail(text, share)}"
        for position, (text, share) in enumerate(zip(texts, shares, strict=True))
    )


def chosen_position(reply: str, count: int) -> int | None:
    """Which of `count` letters a reply picks, from 0; None when it picks none of them."""
    return position_of(find_answer("letter", reply, count=count).form, count)


def position_of(picked: str | None, count: int) -> int | None:
    """The position, from 0, of a letter among `count`; None for none."""
    letters = [letter(position) for position in range(count)]
    return letters.index(picked) if picked in letters else None


def shown(text: str, characters: int) -> str:
    """What others are shown of a solution: its end, without what its writer thought before."""
    return tail(without_thinking(text).strip(), characters)


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
