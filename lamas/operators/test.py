"""Test: the public tests run against the current program, which is repaired until they pass."""

from collections.abc import Mapping
from typing import ClassVar

from lamas.domain import OperatorSpec, Problem
from lamas.operators.chain import Chain
from lamas.operators.operator import Operator
from lamas.operators.prompts import Places
from lamas.operators.public_tests import public_failure, public_tests
from lamas.operators.state import Candidate, SolutionState, current_of
from lamas.operators.text import shown, tail


class Test(Operator):
    """Runs, and repairs with the failure fed back, up to `settings.tries` times.

    A solution that passes is left again as it is; without public tests one review takes their
    place.
    """

    spec = OperatorSpec(
        name="Test",
        description="Runs the public tests on the current program and repairs what fails.",
        needs=1,
        adds=1,
        families=frozenset({"code"}),
    )
    templates: ClassVar[Mapping[str, Places]] = {
        "repair": Places({"solution", "tests", "error"}),
        "review": Places({"solution"}),
    }
    runs_programs = True

    async def run(
        self, problem: Problem, state: SolutionState, chain: Chain
    ) -> tuple[Candidate, ...]:
        text = current_of(state, self.spec).text
        room = self.settings.shown_characters
        tests = public_tests(problem)
        if not tests.strip():
            review = self.messages(problem, "review", solution=shown(text, room))
            return (self.candidate(await chain.complete(review)),)
        for _ in range(self.settings.tries):
            error = await public_failure(problem, text, chain)
            if error is None:
                break
            repair = self.messages(
                problem,
                "repair",
                solution=shown(text, room),
                tests=tail(tests, room),
                error=tail(error, self.settings.feedback_characters),
            )
            text = await chain.complete(repair)
        return (self.candidate(text),)
