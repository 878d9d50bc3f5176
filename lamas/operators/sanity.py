"""Operators that know the answer and ask no model: they check the judges and the accounting."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

from lamas.domain import OperatorSpec, Problem
from lamas.errors import OperatorError
from lamas.operators.chain import Chain
from lamas.operators.operator import Operator
from lamas.operators.state import Candidate, SolutionState

_EMPTY_BODY = "    pass\n"


class Reference(Operator):
    """What the problem's source gives as its answer; every judge must take it as right."""

    spec = OperatorSpec(name="Reference", description="Repeats the reference answer.", adds=1)

    async def run(
        self, problem: Problem, state: SolutionState, chain: Chain
    ) -> tuple[Candidate, ...]:
        return (self.candidate(problem.reference),)


class Empty(Operator):
    """No answer: a function without statements where a program is asked for, else no text."""

    spec = OperatorSpec(name="Empty", description="Answers nothing.", adds=1)

    async def run(
        self, problem: Problem, state: SolutionState, chain: Chain
    ) -> tuple[Candidate, ...]:
        return (self.candidate(_EMPTY_BODY if problem.family == "code" else ""),)


class OtherReference(Operator):
    """The reference answer of the problem that comes next; right only where both are equal."""

    spec = OperatorSpec(
        name="OtherReference", description="Repeats another problem's answer.", adds=1
    )
    answers: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """What to answer, by problem id."""

    @classmethod
    def among(cls, problems: Sequence[Problem]) -> "type[OtherReference]":
        """The operator for a benchmark: the last problem gets the answer of the first."""

        class OfBenchmark(cls):
            answers = MappingProxyType(
                {
                    problem.problem_id: problems[(place + 1) % len(problems)].reference
                    for place, problem in enumerate(problems)
                }
            )

        return OfBenchmark

    async def run(
        self, problem: Problem, state: SolutionState, chain: Chain
    ) -> tuple[Candidate, ...]:
        answer = self.answers.get(problem.problem_id)
        if answer is None:
            raise OperatorError(
                f"operator OtherReference knows no problem after {problem.problem_id}: "
                "build it with OtherReference.among(problems)"
            )
        return (self.candidate(answer),)


SANITY_NAMES: tuple[str, ...] = tuple(
    entry.spec.name for entry in (Reference, Empty, OtherReference)
)


def sanity_entries(problems: Sequence[Problem]) -> tuple[type[Operator], ...]:
    """Catalogue entries over the problems of one benchmark."""
    return (Reference, Empty, OtherReference.among(problems))
