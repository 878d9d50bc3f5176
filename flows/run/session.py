"""What every stage of a run shares, and which run is in progress."""

from collections.abc import Generator
from contextlib import AsyncExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property

from flows.settings import Settings
from flows.wiring.parts import Parts
from lamas.benchmarks.problem_set import ProblemSet
from lamas.controller import QueryEncoder
from lamas.domain import Clock, Run
from lamas.execution.collecting import RunsRollouts
from lamas.execution.runners import LiveRunner
from lamas.llm import LazyModel
from lamas.report.terminal import LiteralConsole
from warehouse.warehouse import Warehouse
from warehouse.writer import Writer


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What a run and the runs inside it have together."""

    warehouse: Warehouse
    writer: Writer
    clock: Clock
    encoder: QueryEncoder
    resumed: bool
    """Something of the run was stored before it was started."""
    retry_failed: bool
    """The run gave up rather than being killed: slots that failed run once more."""
    models: dict[str, LazyModel] = field(default_factory=dict[str, LazyModel])
    """Models that were asked for, by digest of their configuration."""


class Session(Parts):
    """What every stage of a run shares."""

    def __init__(
        self,
        settings: Settings,
        run: Run,
        shared: Shared,
        *,
        stack: AsyncExitStack,
        lent: Parts | None = None,
    ) -> None:
        super().__init__(settings, stack, lent=lent)
        self.run = run
        self.shared = shared
        self.problems: ProblemSet | None = None
        self.live: LiveRunner | None = None
        self.rollouts: RunsRollouts | None = None
        self.step: int | None = None
        """The training step in progress inside a retrain, counted from 1."""
        self._console = LiteralConsole(stderr=True)

    @cached_property
    def warehouse(self) -> Warehouse:
        return self.shared.warehouse

    @property
    def writer(self) -> Writer:
        return self.shared.writer

    @property
    def clock(self) -> Clock:
        return self.shared.clock

    @property
    def encoder(self) -> QueryEncoder:
        return self.shared.encoder

    @property
    def payer(self) -> Run:
        """The run whose caps bound the calls and under which answers are stored."""
        return self.run

    @property
    def paid_runs(self) -> tuple[str, ...]:
        """The runs whose rollouts the payer paid for."""
        return (self.run.run_id,)

    @property
    def batch_run(self) -> str | None:
        """The run whose batch is credited: this one inside a retrain, else that of `run=…`."""
        return self.run.run_id if self.run.kind == "retrain" else self.settings.run

    @property
    def console(self) -> LiteralConsole:
        return self._console

    def say(self, text: str) -> None:
        """One line of progress on stderr."""
        self._console.print(f"  {text}", highlight=False, soft_wrap=True)


_current: ContextVar[Session] = ContextVar("session")


def current_session() -> Session | None:
    """The session of the run in progress, if there is one."""
    return _current.get(None)


@contextmanager
def in_progress(opened: Session) -> Generator[None]:
    """`opened` is the run in progress within the block."""
    token = _current.set(opened)
    try:
        yield
    finally:
        _current.reset(token)
