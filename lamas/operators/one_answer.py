"""What operators that ask once for an answer have in common: all but their prompt."""

from collections.abc import Mapping
from typing import ClassVar

from lamas.domain import Problem
from lamas.operators.chain import Chain
from lamas.operators.operator import Operator, end_of
from lamas.operators.prompts import Places
from lamas.operators.state import Candidate, SolutionState


class OneAnswer(Operator):
    """One call with the template `main`, whose text is the candidate."""

    templates: ClassVar[Mapping[str, Places]] = {"main": Places()}

    async def run(
        self, problem: Problem, state: SolutionState, chain: Chain
    ) -> tuple[Candidate, ...]:
        text = await chain.complete(self.messages(problem, "main"), ends_at=end_of(problem))
        return (self.candidate(text),)
