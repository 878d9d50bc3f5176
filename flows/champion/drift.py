"""Whether the champion, or what it is asked, is not as it was, and who is told."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from flows.run.session import Session
from lamas.domain import derive_seed
from lamas.evaluation.drift import Departure, champion_departures
from lamas.evaluation.live_mix import live_mix_departure
from warehouse.sql_files import QUERIES, sql_files
from warehouse.traffic import asked_and_trained

EVENT = "lamas.drift"
DELIVERY_SECONDS = 10.0


async def watch_champion(current: Session, evaluated: Sequence[str]) -> tuple[Departure, ...]:
    """Say and emit what drifted, when the champion is among the evaluated checkpoints."""
    config, champion = current.settings.drift, current.registry.champion()
    if not config.enabled or champion is None or champion.checkpoint_id not in evaluated:
        return ()
    query = next(item for item in sql_files(QUERIES) if item.name == "how_steady_is_the_champion")
    history = current.warehouse.query(query.text)
    found = champion_departures(history, current.run.run_id, config.band)
    found += _live_mix(current, champion.checkpoint_id)
    for departure in found:
        current.say(departure.sentence())
    await emit(found, checkpoint_id=champion.checkpoint_id, run_id=current.run.run_id)
    return found


def _live_mix(current: Session, champion_id: str) -> tuple[Departure, ...]:
    """What gateways were asked lately against what the champion was trained on."""
    config = current.settings.drift
    asked, trained = asked_and_trained(
        current.warehouse, champion_id, requests=config.requests, encoder=current.encoder.kind
    )
    if not (asked and trained):
        return ()
    departure = live_mix_departure(
        current.reader.embeddings(asked),
        current.reader.embeddings(trained),
        least=config.minimum_mix,
        seed=derive_seed(current.settings.seed, "live mix"),
    )
    return () if departure is None else (departure,)


async def emit(found: Sequence[Departure], *, checkpoint_id: str, run_id: str) -> None:
    """Send the events on which an automation can act, and wait until they are on their way."""
    if not found:
        return
    from prefect.events.worker import EventsWorker

    for departure in found:
        _emit_one(departure, checkpoint_id=checkpoint_id, run_id=run_id)
    # The run's own server may be stopped before Python's exit sends what is queued.
    with suppress(TimeoutError):
        await asyncio.wait_for(
            asyncio.to_thread(EventsWorker.instance().wait_until_empty), DELIVERY_SECONDS
        )


def _emit_one(departure: Departure, *, checkpoint_id: str, run_id: str) -> None:
    from prefect.events import emit_event

    emit_event(
        EVENT,
        resource={
            "prefect.resource.id": f"lamas.checkpoint.{checkpoint_id}",
            "prefect.resource.name": checkpoint_id,
            "lamas.metric": departure.metric,
        },
        payload={
            "metric": departure.metric,
            "value": departure.value,
            "low": departure.low,
            "high": departure.high,
            "evaluations": departure.evaluations,
            "run_id": run_id,
        },
    )
