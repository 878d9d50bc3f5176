"""Programmer: a program that computes the answer, run in the sandbox."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from lamas.answers.aside import find_program
from lamas.domain import OperatorSpec, Problem
from lamas.operators.chain import Chain
from lamas.operators.operator import Operator
from lamas.operators.prompts import Places
from lamas.operators.state import Candidate, SolutionState
from lamas.operators.text import complaint, shown, tail

_PRINT_THE_RESULT = "\n\nprint(solve())\n"
LONGEST_PLAIN = 80
"""Characters of a result that is an answer by itself."""
_NO_PROGRAM = "Your reply held no Python code block that defines solve()."


@dataclass(frozen=True, slots=True)
class _Attempt:
    program: str
    succeeded: bool
    output: str
    """What the program printed, or why it failed."""


class Programmer(Operator):
    """Writes `solve()`, runs it, repairs it with the error fed back, then states the answer."""

    spec = OperatorSpec(
        name="Programmer",
        description="Writes a Python program, runs it, and states the answer it computed.",
        adds=1,
        families=frozenset({"math"}),
    )
    templates: ClassVar[Mapping[str, Places]] = {
        "write": Places(),
        "repair": Places({"program", "error"}),
        "answer": Places({"output"}, optional={"program"}),
    }
    runs_programs = True

    async def run(
        self, problem: Problem, state: SolutionState, chain: Chain
    ) -> tuple[Candidate, ...]:
        written = await chain.complete(self.messages(problem, "write"), ends_at="fence")
        attempt = await self._attempt(written, chain)
        for _ in range(self.settings.tries - 1):
            if attempt.succeeded:
                break
            repair = self.messages(problem, "repair", program=attempt.program, error=attempt.output)
            attempt = await self._attempt(await chain.complete(repair, ends_at="fence"), chain)
        if attempt.succeeded and self.settings.computed == "state" and _is_plain(attempt.output):
            return (self.candidate(f"\\boxed{{{attempt.output}}}"),)
        answer = self.messages(problem, "answer", program=attempt.program, output=attempt.output)
        return (self.candidate(await chain.complete(answer, ends_at="boxed")),)

    async def _attempt(self, reply: str, chain: Chain) -> _Attempt:
        room, heard = self.settings.shown_characters, self.settings.feedback_characters
        # A fenced program is run as it stands, so that its syntax errors can be fed back.
        program = (await find_program(reply, "", "solve", fenced="def solve")).program
        if program is None:
            return _Attempt(shown(reply, room), False, _NO_PROGRAM)
        execution = await chain.run_program(program + _PRINT_THE_RESULT)
        printed = execution.stdout.strip()
        if execution.status != "ok":
            return _Attempt(tail(program, room), False, tail(complaint(execution), heard))
        if printed in ("", "None"):
            return _Attempt(tail(program, room), False, "solve() returned None.")
        return _Attempt(tail(program, room), True, tail(printed, heard))


def _is_plain(output: str) -> bool:
    """Whether a program's output can stand in a box as it is: one short line without braces."""
    return len(output) <= LONGEST_PLAIN and not set(output) & set("\n{}\\$")
