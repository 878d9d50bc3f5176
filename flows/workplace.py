"""What stages work with, whether or not a run is in progress; parts are made when asked for."""

from contextlib import AsyncExitStack
from functools import cached_property

from flows import wiring
from flows.settings import Settings
from flows.storage import open_warehouse
from lamas.benchmarks import Benchmark
from lamas.controller import QueryEncoder
from lamas.domain import OperatorSet, Problem
from lamas.operators import Catalogue
from warehouse import Registry, Warehouse
from warehouse.reader import Reader


class Workplace:
    """The parts that a configuration describes. Making one writes nothing."""

    def __init__(self, settings: Settings, stack: AsyncExitStack) -> None:
        self.settings = settings
        self.stack = stack
        """Closes whatever was opened (servers, sandbox, clients)."""

    def say(self, text: str) -> None:
        """One line for whoever watches; nobody does outside of a run."""

    @cached_property
    def warehouse(self) -> Warehouse:
        """The configured warehouse; WarehouseError when there is none."""
        return open_warehouse(self.settings)

    @cached_property
    def reader(self) -> Reader:
        return Reader(self.warehouse)

    @cached_property
    def registry(self) -> Registry:
        return Registry(self.warehouse)

    @cached_property
    def sandbox(self) -> wiring.LazySandbox:
        return wiring.LazySandbox(self.settings, self.stack, self.say)

    @cached_property
    def benchmark(self) -> Benchmark:
        return wiring.benchmark_of(self.settings, self.sandbox)

    @cached_property
    def loaded(self) -> tuple[Problem, ...]:
        """What the benchmark's source holds, read once."""
        return self.benchmark.load()

    @cached_property
    def catalogue(self) -> Catalogue:
        return wiring.catalogue_of(self.settings, self.benchmark, lambda: self.loaded)

    @cached_property
    def encoder(self) -> QueryEncoder:
        return QueryEncoder()

    @property
    def operators(self) -> OperatorSet:
        """The operators that exist for the benchmark's family, in catalogue order."""
        return self.catalogue.for_family(self.benchmark.family)
