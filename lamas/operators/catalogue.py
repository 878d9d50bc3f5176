"""The one list of operators, and a built instance of each for a run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from lamas.domain import OperatorSet, TaskFamily
from lamas.errors import OperatorError
from lamas.operators.early_stop import EarlyStop
from lamas.operators.generate import Generate
from lamas.operators.generate_cot import GenerateCoT
from lamas.operators.generate_draft import GenerateDraft
from lamas.operators.multi_generate_cot import MultiGenerateCoT
from lamas.operators.operator import AnswerReader, Operator
from lamas.operators.programmer import Programmer
from lamas.operators.prompts import PromptLibrary
from lamas.operators.sc_ensemble import ScEnsemble
from lamas.operators.self_refine import SelfRefine
from lamas.operators.settings import BINDING, OperatorSettings, parted
from lamas.operators.test import Test

ENTRIES: tuple[type[Operator], ...] = (
    Generate,
    GenerateCoT,
    GenerateDraft,
    MultiGenerateCoT,
    ScEnsemble,
    SelfRefine,
    Programmer,
    Test,
    EarlyStop,
)
"""Catalogue order: the order in which a layer's results are merged."""

CATALOGUE_NAMES: tuple[str, ...] = tuple(entry.spec.name for entry in ENTRIES)

_LATER = frozenset({GenerateDraft.spec.name})
"""Those that the first release did not have."""


def unused_later(enabled: Iterable[str]) -> frozenset[str]:
    """Operators that came after the first release and are not `enabled`, under no model.

    Their prompts and behaviours are in no digest: a run without them is found again and goes on
    as the run it was.
    """
    return _LATER - {parted(name)[0] for name in enabled}


def asking_operators() -> frozenset[str]:
    """Those that ask a model whenever they run."""
    return frozenset(
        entry.spec.name for entry in ENTRIES if entry.templates and entry is not ScEnsemble
    )


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
        models: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Build the operators called `names`; their order is that of `entries`, whatever theirs,
        and of `models` where one operator is bound to several.

        `read_answer` is the benchmark's `extract`; `models` gives a sentence about each model that
        operators may be bound to (`GenerateCoT@fast`). Raises OperatorError for an unknown name.
        """
        self._read_answer = read_answer
        self._settings = settings or OperatorSettings()
        self._prompts = prompts or PromptLibrary()
        self._entries = tuple(entries)
        self._models = dict(models)
        wanted = frozenset(names)
        _check_known(wanted, [entry.spec.name for entry in entries], self._models)
        built = [
            self._build(entry, model)
            for entry in entries
            for model in (None, *self._models)
            if _named(entry, model) in wanted
        ]
        self._operators = {operator.spec.name: operator for operator in built}
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
            models=self._models,
        )

    def check_prompts(self, family: TaskFamily) -> None:
        """Raise OperatorError if a prompt of an operator of `family` is missing or invalid."""
        for operator in (*self._operators.values(), self._ensemble):
            if family in operator.spec.families:
                operator.check_prompts(family)

    def _build(self, entry: type[Operator], model: str | None = None) -> Operator:
        operator = entry(
            prompts=self._prompts, settings=self._settings, read_answer=self._read_answer
        )
        if model is not None:
            operator.bind(model, self._models[model])
        return operator


def _named(entry: type[Operator], model: str | None) -> str:
    return entry.spec.name if model is None else f"{entry.spec.name}{BINDING}{model}"


def _check_known(wanted: Iterable[str], known: Sequence[str], models: Iterable[str]) -> None:
    unknown = sorted(name for name in wanted if parted(name)[0] not in known)
    if unknown:
        raise OperatorError(f"unknown operator {', '.join(unknown)}; known: {', '.join(known)}")
    unbound = sorted(name for name in wanted if parted(name)[1] not in (None, *models))
    if unbound:
        there = ", ".join(models) or "none"
        raise OperatorError(
            f"operator {unbound[0]} asks model {parted(unbound[0])[1]!r}, which llm.models does "
            f"not have; known there: {there}"
        )
