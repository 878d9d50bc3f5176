"""A gateway on one home is opened: from the settings to an application that can answer."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace

from starlette.types import ASGIApp

from flows.gateway.access import bounds_of
from flows.gateway.deployed import WatchedChampion
from flows.gateway.journal import Journal
from flows.gateway.lander import Place
from flows.gateway.landing import Landing
from flows.home.intake import served_folder
from flows.run.record import new_run
from flows.settings import Settings
from flows.wiring.model import open_model
from flows.wiring.parts import Parts
from lamas.controller import QueryEncoder
from lamas.domain import Clock, Run
from lamas.execution.requirements import requirements_of
from lamas.gateway.app import Front, gateway_app
from lamas.gateway.deciding import Decider
from lamas.gateway.keys import Keys
from lamas.gateway.kitchen import Kitchen
from lamas.gateway.limits import DAY_SECONDS, Allowances, Places
from lamas.gateway.service import Service
from lamas.gateway.traffic import Traffic
from lamas.llm import Budget
from lamas.operators.settings import CallSettings
from warehouse.served import spent_since


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A gateway that could answer, without a server around it."""

    app: ASGIApp
    service: Service
    run_id: str


@asynccontextmanager
async def opened_gateway(
    settings: Settings, keys: Keys, say: Callable[[str], None]
) -> AsyncGenerator[Opened]:
    """The application of one home, with what works in its background.

    All that was answered has landed when the block ends. Raises WarehouseError without a warehouse,
    CheckpointError for a champion that cannot be loaded, and what opening the models raises.
    """
    config = settings.gateway
    async with AsyncExitStack() as stack:
        parts = Parts(settings, stack)
        clock = Clock(not_before=parts.reader.latest_time())
        # Without a store: no trace of a question is left that the journal does not leave.
        encoder = QueryEncoder(kind=settings.controller.encoder)
        folder = served_folder(settings.home)
        place = Place(
            home=settings.home,
            warehouse=settings.warehouse,
            warehouse_wait_seconds=settings.warehouse_wait_seconds,
            encoder=encoder.kind,
        )
        landing = Landing(place, parts.warehouse, say)
        stack.push_async_callback(landing.close)
        traffic = Traffic(clock.now)
        champion = WatchedChampion(
            parts, every_seconds=config.champion_seconds, told=traffic.champion
        )
        await asyncio.gather(champion.look(), landing.take_over(clock.now()))
        run = replace(new_run(settings, "serve"), started_at=clock.now())
        journal = Journal(
            folder,
            run,
            texts=settings.recording.texts,
            land=landing.land,
            stored=landing.knows,
        )
        stack.push_async_callback(_end, journal, landing, run, clock)
        kitchen = await _kitchen(parts, run.run_id, clock)
        places = Places(config.running, config.waiting)
        traffic.watch(lambda: places.running, lambda: places.waiting)
        today = clock.now() // DAY_SECONDS * DAY_SECONDS
        service = Service(
            kitchen,
            decider=Decider(encoder, run_id=run.run_id, mode=settings.execution.mode),
            deployed=champion,
            record=journal,
            places=places,
            allowances=Allowances(await asyncio.to_thread(spent_since, parts.warehouse, today)),
            traffic=traffic,
        )
        stack.push_async_callback(service.close)
        for work in (champion.watch(), landing.repeat(journal, config.land_seconds)):
            stack.push_async_callback(_stop, asyncio.create_task(work))
        front = Front(
            service=service,
            keys=keys,
            bounds=bounds_of(config),
            patience_seconds=config.keep_alive_seconds,
            ready=lambda: _why_not(journal),
        )
        yield Opened(app=gateway_app(front), service=service, run_id=run.run_id)


async def _kitchen(parts: Parts, run_id: str, clock: Clock) -> Kitchen:
    settings = parts.settings
    model = await open_model(
        settings,
        parts.stack,
        (),
        store=None,
        budget=Budget(max_usd=settings.llm.max_usd, max_calls=settings.llm.max_calls),
        clock=clock,
        every_model=True,
    )
    required = requirements_of((), parts.catalogue, parts.benchmark, any_graph=True)
    if required.sandbox:
        # Before the first request: where it may not be used is known now.
        await parts.sandbox.open()
    return Kitchen(
        run_id=run_id,
        family=parts.benchmark.family,
        catalogue=parts.catalogue,
        model=model,
        sandbox=parts.sandbox,
        plain={settings.llm.model: None, **{name: name for name in settings.llm.models}},
        call=CallSettings(
            max_tokens=settings.operators.max_tokens, temperature=settings.operators.temperature
        ),
        gamma=settings.execution.gamma,
        mode=settings.execution.mode,
        simulated=settings.simulated,
        seed=settings.seed,
        timeout_seconds=settings.gateway.timeout_seconds,
        clock=clock,
    )


def _why_not(journal: Journal) -> str | None:
    failing = journal.failing
    return None if failing is None else f"what is answered cannot be put on record ({failing})"


async def _end(journal: Journal, landing: Landing, run: Run, clock: Clock) -> None:
    await journal.close(replace(run, status="completed", ended_at=clock.now()))
    await landing.take_in()


async def _stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
