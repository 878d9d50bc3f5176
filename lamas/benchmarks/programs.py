"""Which program an answer to a code problem stands for."""

from lamas.answers.aside import find_program
from lamas.answers.reading import ProgramRead, read_program
from lamas.domain import Problem


def program_of(problem: Problem, answer: str) -> str | None:
    """The whole program that an answer to a code problem stands for; None when it holds none.

    See `complete_program`. Takes as long as the answer wants: `program_aside` is bounded.
    """
    if problem.tests is None:
        return None
    return read_program(answer, problem.question, problem.tests.entry_point).program


async def program_aside(problem: Problem, answer: str) -> ProgramRead:
    """`program_of` off the event loop and within its time, with how it was read."""
    if problem.tests is None:
        return ProgramRead(place="the problem has no tests and asks for no program")
    return await find_program(answer, problem.question, problem.tests.entry_point)
