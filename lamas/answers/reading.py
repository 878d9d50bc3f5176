"""The one gate through which every answer is read: thoughts and run-on are cut off here, once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

from lamas.answers.choice import find_choice
from lamas.answers.final_answer import own_part
from lamas.answers.formula import find_formula
from lamas.answers.found import Found
from lamas.answers.letter import find_letter
from lamas.answers.number import find_number
from lamas.answers.plain_text import find_as_written, find_squad, find_text
from lamas.answers.program import canonical_code, complete_program, fenced_program
from lamas.answers.thinking import without_thinking

ReaderName = Literal["number", "math", "exact", "squad", "written", "choice", "letter", "code"]
READER_NAMES: tuple[ReaderName, ...] = get_args(ReaderName)

NEVER_ENDS = "the text thinks and never comes to an answer"
IS_EMPTY = "the text is empty"


@dataclass(frozen=True, kw_only=True, slots=True)
class ProgramRead:
    """The program that an answer stands for."""

    program: str | None = None
    """None when the answer holds none."""
    form: str | None = None
    """Canonical form of the program: equal forms are the same vote."""
    place: str = ""
    """How it was put together, or why there is none."""


def find_answer(
    reader: ReaderName, text: str, choices: Sequence[str] = (), count: int = 0
) -> Found:
    """The answer of a text as `reader` understands it.

    `choices` are those of a multiple-choice problem, `count` the candidates a letter may name.
    """
    reply = without_thinking(text)
    if not reply.strip():
        return Found(place=NEVER_ENDS if text.strip() else IS_EMPTY)
    if reader == "code":
        form = canonical_code(reply)
        return Found(form=form, written=reply, place="" if form else "no program in the answer")
    if reader == "letter":
        return find_letter(reply, count)
    return _finders(choices)[reader](own_part(reply))


def read_program(text: str, prompt: str, entry_point: str, *, fenced: str = "") -> ProgramRead:
    """The program that completes `prompt`; a fenced block that holds `fenced` is taken as it is."""
    reply = without_thinking(text)
    if not reply.strip():
        return ProgramRead(place=NEVER_ENDS if text.strip() else IS_EMPTY)
    block = fenced_program(reply, fenced) if fenced else None
    if block is not None:
        return ProgramRead(program=block, place="the last fenced block, as it stands")
    program, place = complete_program(prompt, entry_point, reply)
    if program is None:
        return ProgramRead(place=place)
    return ProgramRead(program=program, form=canonical_code(program), place=place)


def _finders(choices: Sequence[str]) -> Mapping[str, Callable[[str], Found]]:
    return {
        "number": find_number,
        "math": find_formula,
        "exact": find_text,
        "squad": find_squad,
        "written": find_as_written,
        "choice": partial(find_choice, choices=choices),
    }
