"""GenerateDraft: one answer after steps of a few words."""

from collections.abc import Mapping
from typing import ClassVar

from lamas.domain import OperatorSpec, Problem
from lamas.operators.chain import Chain
from lamas.operators.operator import Operator, end_of
from lamas.operators.prompts import Places
from lamas.operators.state import Candidate, SolutionState


class GenerateDraft(Operator):
    """Asks once for a minimal draft of each step and the answer they lead to.

    After S. Xu et al., "Chain of Draft: Thinking Faster by Writing Less", 2025, arXiv 2502.18600.
    """

    spec = OperatorSpec(
        name="GenerateDraft",
        description="Notes each step in a few words in one short call and ends with the answer.",
        adds=1,
    )
    templates: ClassVar[Mapping[str, Places]] = {"main": Places()}

    async def run(
        self, problem: Problem, state: SolutionState, chain: Chain
    ) -> tuple[Candidate, ...]:
        text = await chain.complete(self.messages(problem, "main"), ends_at=end_of(problem))
        return (self.candidate(text),)
