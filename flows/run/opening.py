"""A run is opened: found again or begun, after the checks, with its writer's turn."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from flows.home.intake import served_folder, take_in_served
from flows.home.lock import writer_turn
from flows.orchestrator.allowed import refuse_others
from flows.orchestrator.process import cancelled_by_sigterm, started_by_prefect
from flows.orchestrator.quiet import hide_leak_report
from flows.run.hedged import say_hedged
from flows.run.preflight import check
from flows.run.record import forget_answers, give_up, new_run, unfinished_run
from flows.run.session import Session, Shared, current_session, in_progress
from flows.run.token_limits import limited
from flows.settings import Settings
from flows.settings.compose import load_settings
from flows.wiring.learning import encoder_of
from flows.wiring.warehouse import open_warehouse
from lamas.domain import Clock
from lamas.report.terminal import LiteralConsole
from warehouse.reader import Reader
from warehouse.warehouse import Warehouse
from warehouse.writer import Writer

CLOCK_SET_BACK_SECONDS = 5.0
"""A clock that is behind by more than this is worth a word."""


@asynccontextmanager
async def session(
    kind: str,
    overrides: list[str] | None,
    change: Callable[[Settings], Settings] = lambda settings: settings,
) -> AsyncGenerator[Session, None]:
    """The session of the run in progress, or a new one for the outermost flow.

    A run of the same kind and configuration that did not complete is gone on with, unless
    `resume=false`. `change` makes what was configured into what the kind of run needs. Raises
    WarehouseError when another process writes to the same home.
    """
    active = current_session()
    if active is not None:
        yield active
        return
    refuse_others(overrides or [])
    settings = change(load_settings(overrides or []))
    with cancelled_by_sigterm():
        async with _opened(kind, settings) as opened:
            yield opened


@asynccontextmanager
async def _opened(kind: str, settings: Settings) -> AsyncGenerator[Session, None]:
    # The turn comes first: what is checked (a checkpoint, a stored split) must not change between
    # the check and its use. The warehouse comes last: a run that cannot start leaves no file.
    async with writer_turn(settings.home, settings.overlap, _say):
        if started_by_prefect():
            # What the command does before it starts a flow: here nobody has.
            hide_leak_report()
            await check(kind, settings)
        warehouse = open_warehouse(settings, create=True)
        take_in_served(warehouse, served_folder(settings.home), _say)
        async with AsyncExitStack() as stack:
            opened = _open(settings, kind, warehouse, stack)
            with in_progress(opened):
                try:
                    yield opened
                except BaseException as error:
                    give_up(opened, error)
                    raise
                else:
                    forget_answers(opened)
                    say_hedged(opened)
                    take_in_served(warehouse, served_folder(settings.home), _say)
                    opened.writer.finish_run(
                        opened.run.run_id, "completed", ended_at=opened.clock.now()
                    )


def _say(text: str) -> None:
    LiteralConsole(stderr=True).print(f"  {text}", highlight=False, soft_wrap=True)


def _open(settings: Settings, kind: str, warehouse: Warehouse, stack: AsyncExitStack) -> Session:
    reader = Reader(warehouse)
    clock = Clock(not_before=reader.latest_time())
    fresh = replace(new_run(settings, kind), started_at=clock.now())
    previous = unfinished_run(reader, fresh) if settings.resume else None
    run = previous or fresh
    shared = Shared(
        warehouse=warehouse,
        writer=Writer(warehouse, texts=settings.recording.texts),
        clock=clock,
        encoder=encoder_of(settings),
        resumed=previous is not None,
        retry_failed=previous is not None and previous.status == "failed",
    )
    shared.writer.add_run(run)
    opened = Session(limited(settings, run, warehouse, shared.writer), run, shared, stack=stack)
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
