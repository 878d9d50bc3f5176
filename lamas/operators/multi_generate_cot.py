"""MultiGenerateCoT: several step-by-step answers drawn in parallel."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from lamas.domain import OperatorSpec, Problem
from lamas.operators.chain import Chain
from lamas.operators.operator import AnswerReader, Operator, end_of
from lamas.operators.prompts import Places, PromptLibrary
from lamas.operators.settings import OperatorSettings
from lamas.operators.state import Candidate, SolutionState


class MultiGenerateCoT(Operator):
    """One stage of `settings.samples` branches with the same prompt and different seeds."""

    spec = OperatorSpec(
        name="MultiGenerateCoT",
        description="Draws several independent step-by-step solutions in parallel.",
        adds=3,
        draws=True,
    )
    templates: ClassVar[Mapping[str, Places]] = {"main": Places()}

    def __init__(
        self, *, prompts: PromptLibrary, settings: OperatorSettings, read_answer: AnswerReader
    ) -> None:
        super().__init__(prompts=prompts, settings=settings, read_answer=read_answer)
        self.spec = replace(type(self).spec, adds=settings.samples)

    async def run(
        self, problem: Problem, state: SolutionState, chain: Chain
    ) -> tuple[Candidate, ...]:
        messages = self.messages(problem, "main")

        async def sample(branch: Chain) -> str:
            return await branch.complete(messages, ends_at=end_of(problem))

        texts = await chain.parallel([sample] * self.settings.samples)
        return tuple(self.candidate(text) for text in texts)
