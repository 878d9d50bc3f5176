"""What the public tests of a code problem say of a solution."""

from lamas.benchmarks.programs import program_aside
from lamas.domain import Problem
from lamas.operators.chain import Chain
from lamas.operators.text import complaint

_NO_PROGRAM = "The solution holds no program that defines the function asked for."


def public_tests(problem: Problem) -> str:
    """The tests as one program text; blank where there are none."""
    return "\n".join(problem.tests.public) if problem.tests is not None else ""


async def public_failure(problem: Problem, text: str, chain: Chain) -> str | None:
    """Why the program in `text` fails the public tests, run on `chain`; None when it passes."""
    program = (await program_aside(problem, text)).program
    if program is None:
        return _NO_PROGRAM
    execution = await chain.run_program(f"{program}\n\n{public_tests(problem)}\n")
    return None if execution.status == "ok" else complaint(execution)
