"""The one list of operators, and a built instance of each for a run."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lamas.domain import OperatorSet, TaskFamily
from lamas.errors import OperatorError
from lamas.operators.early_stop import EarlyStop
from lamas.operators.generate import Generate
from lamas.operators.generate_cot import GenerateCoT
from lamas.operators.multi_generate_cot import MultiGenerateCoT
from lamas.operators.operator import AnswerReader, Operator
from lamas.operators.programmer import Programmer
from lamas.operators.prompts import PromptLibrary
from lamas.operators.sc_ensemble import ScEnsemble
from lamas.operators.self_refine import SelfRefine
from lamas.operators.settings import OperatorSettings
from lamas.operators.test import Test

ENTRIES: tuple[type[Operator], ...] = (
    Generate,
    GenerateCoT,
    MultiGenerateCoT,
    ScEnsemble,
    SelfRefine,
    Programmer,
    Test,
    EarlyStop,
)
"""Catalogue order: the order in which a layer's results are merged."""

CATALOGUE_NAMES: tuple[str, ...] = tuple(entry.spec.name for entry in ENTRIES)


class Catalogue:
    """The operators a run may use, and ScEnsemble for post-processing in any case."""

    def __init__(
        self,
        names: Iterable[str] = CATALOGUE_NAMES,
        *,
        read_answer: AnswerReader,
        settings: OperatorSettings | None = None,
        prompts: PromptLibrary | None = None,
        entries: Sequence[type[Operator]] = ENTRIES,
    ) -> None:
        """Build the operators called `names`; their order is that of `entries`, whatever theirs.

        `read_answer` is the benchmark's `extract`. Raises OperatorError for an unknown name.
        """
        self._read_answer = read_answer
        self._settings = settings or OperatorSettings()
        self._prompts = prompts or PromptLibrary()
        self._entries = tuple(entries)
        known = tuple(entry.spec.name for entry in entries)
        wanted = frozenset(names)
        unknown = sorted(wanted.difference(known))
        if unknown:
            raise OperatorError(f"unknown operator {', '.join(unknown)}; known: {', '.join(known)}")
        self._operators = {
            entry.spec.name: self._build(entry) for entry in entries if entry.spec.name in wanted
        }
        self._ensemble = self._operators.get(ScEnsemble.spec.name) or self._build(ScEnsemble)

    @property
    def settings(self) -> OperatorSettings:
        return self._settings

    @property
    def ensemble(self) -> Operator:
        """Picks the final answer among several candidates."""
        return self._ensemble

    def for_family(self, family: TaskFamily) -> OperatorSet:
        """The operators that exist for a task family, in catalogue order."""
        return OperatorSet(
            tuple(
                operator.spec
                for operator in self._operators.values()
                if family in operator.spec.families
            )
        )

    def operator(self, name: str) -> Operator:
        """The operator called `name`; OperatorError lists the known ones otherwise."""
        operator = self._operators.get(name)
        if operator is None:
            raise OperatorError(
                f"unknown operator {name!r}; known here: {', '.join(self._operators)}"
            )
        return operator

    def with_samples(self, samples: int) -> "Catalogue":
        """The same catalogue, except that MultiGenerateCoT draws `samples` chains."""
        return Catalogue(
            self._operators,
            read_answer=self._read_answer,
            settings=replace(self._settings, samples=samples),
            prompts=self._prompts,
            entries=self._entries,
        )

    def check_prompts(self, family: TaskFamily) -> None:
        """Raise OperatorError if a prompt of an operator of `family` is missing or invalid."""
        for operator in (*self._operators.values(), self._ensemble):
            if family in operator.spec.families:
                operator.check_prompts(family)

    def _build(self, entry: type[Operator]) -> Operator:
        return entry(prompts=self._prompts, settings=self._settings, read_answer=self._read_answer)
