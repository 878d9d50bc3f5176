"""GenerateCoT: one answer, step by step."""

from collections.abc import Mapping
from typing import ClassVar

from lamas.domain import OperatorSpec, Problem
from lamas.operators.chain import Chain
from lamas.operators.operator import Operator, end_of
from lamas.operators.prompts import Places
from lamas.operators.state import Candidate, SolutionState


class GenerateCoT(Operator):
    """Asks once for the steps and the answer they lead to."""

    spec = OperatorSpec(
        name="GenerateCoT",
        description="Reasons step by step in one call and ends with the answer.",
        adds=1,
    )
    templates: ClassVar[Mapping[str, Places]] = {"main": Places()}

    async def run(
        self, problem: Problem, state: SolutionState, chain: Chain
    ) -> tuple[Candidate, ...]:
        text = await chain.complete(self.messages(problem, "main"), ends_at=end_of(problem))
        return (self.candidate(text),)
