"""What stages work with, whether or not a run is in progress; parts are made when asked for."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import cached_property

from flows.settings import Settings
from flows.wiring.benchmark import benchmark_of
from flows.wiring.operators import catalogue_of
from flows.wiring.sandbox import lazy_sandbox
from flows.wiring.warehouse import open_warehouse
from lamas.benchmarks import Benchmark
from lamas.domain import Clock, OperatorSet, Problem
from lamas.execution import GraphExecutor
from lamas.execution.runners import LiveRunner
from lamas.llm import LazyModel
from lamas.operators import Catalogue
from lamas.sandbox import LazySandbox
from warehouse.reader import Reader
from warehouse.registry import Registry
from warehouse.warehouse import Warehouse


class Parts:
    """The parts that a configuration describes. Making one writes nothing."""

    def __init__(
        self,
        settings: Settings,
        stack: AsyncExitStack,
        *,
        lent: "Parts | None" = None,
        problems: Sequence[Problem] | None = None,
    ) -> None:
        """`lent`: whose warehouse, sandbox and benchmark are used in place of own ones; `problems`:
        in place of what the benchmark's source holds.
        """
        self.settings = settings
        self.stack = stack
        """Closes whatever was opened (servers, sandbox, clients)."""
        self._lent = lent
        self._problems = problems

    def say(self, text: str) -> None:
        """One line for whoever watches; nobody does outside of a run."""

    @cached_property
    def warehouse(self) -> Warehouse:
        """The configured warehouse; WarehouseError when there is none."""
        return open_warehouse(self.settings) if self._lent is None else self._lent.warehouse

    @cached_property
    def reader(self) -> Reader:
        return Reader(self.warehouse)

    @cached_property
    def registry(self) -> Registry:
        return Registry(self.warehouse)

    @cached_property
    def sandbox(self) -> LazySandbox:
        if self._lent is not None:
            return self._lent.sandbox
        return lazy_sandbox(self.settings, self.stack, self.say)

    @cached_property
    def benchmark(self) -> Benchmark:
        if self._lent is not None:
            return self._lent.benchmark
        return benchmark_of(self.settings, self.sandbox)

    @cached_property
    def loaded(self) -> tuple[Problem, ...]:
        """What the benchmark's source holds, read once."""
        return self.benchmark.load() if self._problems is None else tuple(self._problems)

    @cached_property
    def catalogue(self) -> Catalogue:
        return catalogue_of(self.settings, self.benchmark, lambda: self.loaded)

    @property
    def operators(self) -> OperatorSet:
        """The operators that exist for the benchmark's family, in catalogue order."""
        return self.catalogue.for_family(self.benchmark.family)

    def runner(self, model: LazyModel, clock: Clock) -> LiveRunner:
        """What the configuration says about running rollouts, with `model` to ask."""
        executor = GraphExecutor(
            catalogue=self.catalogue,
            model=model,
            sandbox=self.sandbox,
            gamma=self.settings.execution.gamma,
            clock=clock,
            live=self.settings.arrival_is_real,
        )
        return LiveRunner(executor, self.benchmark, model=model, sandbox=self.sandbox)
