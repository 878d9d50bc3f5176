"""One run from begin to end: its row, its lock, its stores; found again after a kill."""

import json
import logging
import subprocess
import uuid
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from flows import wiring
from flows.compose import load_settings
from flows.engine import cancelled_by_sigterm, flow_run_id, started_by_prefect
from flows.lock import writer_turn
from flows.orchestrator.allowed import refuse_others
from flows.settings import Settings
from flows.storage import open_warehouse
from flows.tables import LiteralConsole
from flows.tidy_exit import hide_leak_report
from flows.workplace import Workplace
from lamas.domain import Clock, Run, RunStatus
from lamas.errors import BudgetExceededError, LamasError, WarehouseError
from lamas.llm import ResponseStore
from warehouse import Warehouse
from warehouse.reader import Reader
from warehouse.writer import Writer

if TYPE_CHECKING:
    from flows.live import LazyModel, LiveRunner
    from flows.problems import ProblemSet
    from flows.scaleout.spread import Scaleout

logger = logging.getLogger(__name__)

CLOCK_SET_BACK_SECONDS = 5.0
"""A clock that is behind by more than this is worth a word."""


class Session(Workplace):
    """What every stage of a run shares."""

    def __init__(
        self,
        settings: Settings,
        run: Run,
        warehouse: Warehouse,
        *,
        previous: Run | None,
        stack: AsyncExitStack,
    ) -> None:
        super().__init__(settings, stack)
        self.run = run
        self.warehouse = warehouse
        self.writer = Writer(warehouse, texts=settings.recording.texts)
        self.clock = Clock()
        self.resumed = previous is not None
        self.retry_failed = previous is not None and previous.status == "failed"
        """The run gave up rather than being killed: slots that failed run once more."""
        self.problems: ProblemSet | None = None
        self.live: LiveRunner | None = None
        self.scaleout: Scaleout | None = None
        self.models: dict[str, LazyModel] = {}
        """Models that were asked for, by digest of their configuration."""
        self.step: int | None = None
        """The training step in progress inside a retrain, counted from 1."""
        self._console = LiteralConsole(stderr=True)

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
    def console(self) -> Console:
        return self._console

    def say(self, text: str) -> None:
        """One line of progress on stderr."""
        self._console.print(f"  {text}", highlight=False, soft_wrap=True)


_current: ContextVar[Session] = ContextVar("session")


def current_session() -> Session | None:
    """The session of the run in progress, if there is one."""
    return _current.get(None)


def _say(text: str) -> None:
    LiteralConsole(stderr=True).print(f"  {text}", highlight=False, soft_wrap=True)


@asynccontextmanager
async def session(kind: str, overrides: list[str] | None) -> AsyncGenerator[Session, None]:
    """The session of the run in progress, or a new one for the outermost flow.

    A run of the same kind and configuration that did not complete is gone on with, unless
    `resume=false`. Raises WarehouseError when another process writes to the same home.
    """
    active = _current.get(None)
    if active is not None:
        yield active
        return
    refuse_others(overrides or [])
    settings = load_settings(overrides or [])
    with cancelled_by_sigterm():
        async with _opened(kind, settings) as opened:
            yield opened


@asynccontextmanager
async def _opened(kind: str, settings: Settings) -> AsyncGenerator[Session, None]:
    async with writer_turn(settings.home, settings.overlap, _say):
        if started_by_prefect():
            # What the command does before it starts a flow: here nobody has.
            from flows.preflight import check

            hide_leak_report()
            await check(kind, settings)
        warehouse = open_warehouse(settings, create=True)
        async with AsyncExitStack() as stack:
            opened = _open(settings, kind, warehouse, stack)
            token = _current.set(opened)
            try:
                yield opened
            except BaseException as error:
                _give_up(opened, error)
                raise
            else:
                _forget_answers(opened)
                opened.writer.finish_run(
                    opened.run.run_id, "completed", ended_at=opened.clock.now()
                )
            finally:
                _current.reset(token)


def new_run(settings: Settings, kind: str) -> Run:
    """The row of a run that begins now."""
    prompts = wiring.prompts_of(settings).digest()
    return Run(
        run_id=f"{kind}-{uuid.uuid4().hex[:12]}",
        kind=kind,
        config_json=json.dumps(settings.model_dump(mode="json"), sort_keys=True),
        config_digest=settings.result_digest(kind, prompts=prompts),
        code_version=code_version(),
        prompts_digest=prompts,
        seed=settings.seed,
        simulated=settings.simulated,
        status="running",
        started_at=Clock().now(),
        prefect_flow_run_id=flow_run_id(),
    )


@cache
def code_version() -> str:
    """Package version, and the git commit when running from a checkout."""
    root = Path(__file__).resolve().parent.parent
    try:
        commit = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "--short=12", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return version("lamas")
    return f"{version('lamas')}+{commit}"


def _open(settings: Settings, kind: str, warehouse: Warehouse, stack: AsyncExitStack) -> Session:
    clock = Clock(not_before=_latest_time(warehouse))
    fresh = replace(new_run(settings, kind), started_at=clock.now())
    unfinished = [
        run
        for run in Reader(warehouse).runs(kind=kind)
        if run.config_digest == fresh.config_digest and run.status != "completed"
    ]
    previous = unfinished[-1] if unfinished and settings.resume else None
    run = previous or fresh
    opened = Session(settings, run, warehouse, previous=previous, stack=stack)
    opened.clock = clock
    opened.writer.add_run(run)
    opened.say(
        f"run {run.run_id}"
        + (" (taken up again)" if previous else "")
        + (" — simulated model" if settings.simulated else "")
    )
    ahead = clock.now() - Clock().now()
    if ahead > CLOCK_SET_BACK_SECONDS:
        opened.say(
            f"the system clock is {ahead / 60:.0f} min behind what the warehouse holds: times are "
            "counted on from there"
        )
    return opened


def _latest_time(warehouse: Warehouse) -> float:
    """The latest time on record, in seconds since the epoch; 0 when there is none."""
    # What is latest is asked by time in many places: a clock that was set back must not undo it.
    found = warehouse.query(
        "SELECT max(latest) FROM ("
        "SELECT max(coalesce(ended_at, started_at)) AS latest FROM runs "
        "UNION ALL SELECT max(ended_at) FROM rollouts "
        "UNION ALL SELECT max(created_at) FROM checkpoints "
        "UNION ALL SELECT max(decided_at) FROM promotions)"
    ).item()
    return 0.0 if found is None else float(found)


def _forget_answers(opened: Session) -> None:
    """A run that is about to complete needs its answers no more: keep them only if told to."""
    path = opened.settings.responses_path
    if opened.settings.recording.texts != "keep" and path.exists():
        with ResponseStore(path) as store:
            store.forget([opened.run.run_id])


def status_after(error: BaseException) -> RunStatus:
    """How a run ends that `error` ends."""
    # Whoever stops a run, or sets a cap that does, wants nothing mended or tried again.
    stopped = isinstance(error, BudgetExceededError) or not isinstance(error, Exception)
    return "cancelled" if stopped else "failed"


def record_end(opened: Session, error: BaseException, message: str) -> None:
    """Mark the run as ended by `error`; a warehouse that cannot be written to is only logged."""
    run_id = opened.run.run_id
    try:
        opened.writer.finish_run(
            run_id, status_after(error), ended_at=opened.clock.now(), error=message
        )
    except WarehouseError as problem:
        # The first error is the one to report; the run can be taken up again either way.
        logger.warning("the end of run %s is not recorded: %s", run_id, problem)


def _give_up(opened: Session, error: BaseException) -> None:
    message = str(error) if isinstance(error, LamasError) else f"{type(error).__name__}: {error}"
    if not isinstance(error, Exception):
        # Cancelled, interrupted, or Prefect's own signal.
        message = "stopped from outside"
    record_end(opened, error, message)
