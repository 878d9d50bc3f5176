"""What an operator is: a declared need, a prompt file, and a way to new candidates."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import ClassVar

from lamas.domain import ChatMessage, OperatorSpec, Problem, TaskFamily
from lamas.errors import OperatorError
from lamas.llm.answer_end import StreamEnd
from lamas.operators.chain import Chain
from lamas.operators.prompts import Places, PromptLibrary, PromptTemplate
from lamas.operators.settings import BINDING, CallSettings, OperatorSettings
from lamas.operators.state import Candidate, SolutionState

AnswerReader = Callable[[Problem, str], Awaitable[str | None]]
"""Canonical form of the answer in a solution text; None if it holds none (`Benchmark.extract`)."""


def end_of(problem: Problem) -> StreamEnd:
    """Where the answer to `problem` is whole: behind its program, or behind its box."""
    return "fence" if problem.family == "code" else "boxed"


_OF_CODE = frozenset({"entry_point"})


class Operator(ABC):
    """One reusable agent step. A new one is a subclass, a prompt file, and a catalogue line."""

    spec: OperatorSpec
    """Set on the class; an instance may refine it (MultiGenerateCoT's sample count, the model that
    a bound one asks)."""

    templates: ClassVar[Mapping[str, Places]] = MappingProxyType({})
    """Templates of its prompt file and the values each shows besides the question."""

    runs_programs: ClassVar[bool] = False
    """Whether it runs programs in the sandbox."""

    def __init__(
        self, *, prompts: PromptLibrary, settings: OperatorSettings, read_answer: AnswerReader
    ) -> None:
        self._prompts = prompts
        self.settings = settings
        self.read_answer = read_answer
        self._checked: dict[tuple[TaskFamily, str], PromptTemplate] = {}

    @abstractmethod
    async def run(
        self, problem: Problem, state: SolutionState, chain: Chain
    ) -> tuple[Candidate, ...]:
        """The candidates it leaves: `spec.adds` of them, or the one pick if `spec.replaces`."""

    @property
    def asks_model(self) -> bool:
        """Whether it calls a model: only what has prompts can."""
        return bool(self.templates)

    def bind(self, model: str, description: str) -> None:
        """Ask the model of that name from now on; its description joins the operator's own, so
        that embeddings tell bound operators apart. OperatorError for one that asks no model.
        """
        if not self.asks_model:
            raise OperatorError(
                f"operator {self.spec.name} asks no model and cannot be bound to {model}: name it "
                "without @"
            )
        self.spec = replace(
            self.spec,
            name=f"{self.spec.name}{BINDING}{model}",
            description=f"{self.spec.description} Asks {model}: {description}",
        )

    @property
    def call(self) -> CallSettings:
        """What its model calls are sent with."""
        return self.settings.call(self.spec.name)

    def check_prompts(self, family: TaskFamily) -> None:
        """Raise OperatorError if a prompt of `family` is missing or invalid."""
        for name in self.templates:
            self._template(family, name)

    def messages(self, problem: Problem, template: str, **values: str) -> tuple[ChatMessage, ...]:
        """The messages of a template with the question and `values` filled in."""
        offered = {"question": problem.question, **values}
        if problem.tests is not None:
            offered["entry_point"] = problem.tests.entry_point
        return self._template(problem.family, template).render(offered)

    def candidate(self, text: str) -> Candidate:
        """A candidate of this operator; an empty text counts as one."""
        return Candidate(text, self.spec.name)

    def _template(self, family: TaskFamily, name: str) -> PromptTemplate:
        checked = self._checked.get((family, name))
        if checked is None:
            places = self.templates[name]
            checked = self._prompts.template(
                family,
                type(self).spec.name,
                name,
                Places(
                    places.required | {"question"},
                    optional=places.optional | (_OF_CODE if family == "code" else frozenset[str]()),
                ),
            )
            self._checked[family, name] = checked
        return checked
