"""SelfRefine: a critique and a rewrite of the current solution."""

from collections.abc import Mapping
from typing import ClassVar

from lamas.domain import OperatorSpec, Problem
from lamas.operators.chain import Chain
from lamas.operators.operator import Operator
from lamas.operators.prompts import Places
from lamas.operators.state import Candidate, SolutionState, current_of
from lamas.operators.text import shown


class SelfRefine(Operator):
    """Shows the current solution and asks for what is wrong with it and a better one."""

    spec = OperatorSpec(
        name="SelfRefine",
        description="Criticises the current solution and rewrites it.",
        needs=1,
        adds=1,
    )
    templates: ClassVar[Mapping[str, Places]] = {"main": Places({"solution"})}

    async def run(
        self, problem: Problem, state: SolutionState, chain: Chain
    ) -> tuple[Candidate, ...]:
        solution = shown(current_of(state, self.spec).text, self.settings.shown_characters)
        text = await chain.complete(self.messages(problem, "main", solution=solution))
        return (self.candidate(text),)
