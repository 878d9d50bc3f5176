"""Whether an evaluation of the champion leaves the band of the last ones, and who is told."""

import asyncio
import statistics
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import polars as pl

from flows.operation import MINIMUM_EVALUATIONS, DriftConfig
from flows.session import Session
from warehouse.sql_files import QUERIES, sql_files

EVENT = "lamas.drift"
METRICS = ("score", "cp_tokens_mean", "cost_usd")
TO_STANDARD_DEVIATION = 1.4826
"""A normal distribution's standard deviation over its median absolute deviation."""
DELIVERY_SECONDS = 10.0
LIKE = (
    "checkpoint_id",
    "benchmark",
    "benchmark_version",
    "split",
    "model",
    "evaluation_mode",
    "simulated",
)
"""Evaluations that agree in these are comparable."""


@dataclass(frozen=True, kw_only=True)
class Departure:
    """A metric outside its band."""

    metric: str
    value: float
    low: float
    high: float
    evaluations: int
    """How many made the band."""

    def sentence(self) -> str:
        return (
            f"drift: the champion's {self.metric} is {self.value:.6g}, outside "
            f"{self.low:.6g} … {self.high:.6g} of its last {self.evaluations} evaluations"
        )


def band(metric: str, values: Sequence[float], config: DriftConfig) -> tuple[float, float]:
    """(low, high) around the median of `values`: so many robust standard deviations wide, and at
    least as wide as configured, absolutely for the score and relatively for the rest.
    """
    centre = statistics.median(values)
    deviation = TO_STANDARD_DEVIATION * statistics.median(abs(item - centre) for item in values)
    least = config.minimum_score if metric == "score" else config.minimum_relative * abs(centre)
    half = max(config.width * deviation, least)
    return centre - half, centre + half


def departures(
    current: Mapping[str, float], earlier: Mapping[str, Sequence[float]], config: DriftConfig
) -> tuple[Departure, ...]:
    """The metrics of `current` outside the band of the last values in `earlier` (oldest first).

    A metric with fewer than three earlier values has no band and cannot leave it.
    """
    found: list[Departure] = []
    for metric in METRICS:
        values = list(earlier.get(metric, ()))[-config.evaluations :]
        if metric not in current or len(values) < MINIMUM_EVALUATIONS:
            continue
        low, high = band(metric, values, config)
        if not low <= current[metric] <= high:
            found.append(
                Departure(
                    metric=metric,
                    value=current[metric],
                    low=low,
                    high=high,
                    evaluations=len(values),
                )
            )
    return tuple(found)


def champion_departures(
    history: pl.DataFrame, run_id: str, config: DriftConfig
) -> tuple[Departure, ...]:
    """Departures of one run's evaluation of the champion.

    `history` has the rows of the query `how_steady_is_the_champion`, the oldest first.
    """
    now = history.filter(pl.col("run_id") == run_id)
    if now.is_empty():
        return ()
    like = now.select(LIKE).head(1)
    comparable = history.filter(pl.col("run_id") != run_id).join(
        like, on=list(LIKE), how="semi", nulls_equal=True, maintain_order="left"
    )
    current = {str(row["metric"]): float(row["value"]) for row in now.to_dicts()}
    earlier: dict[str, list[float]] = {}
    for row in comparable.to_dicts():
        earlier.setdefault(str(row["metric"]), []).append(float(row["value"]))
    return departures(current, earlier, config)


async def watch_champion(current: Session, evaluated: Sequence[str]) -> tuple[Departure, ...]:
    """Say and emit what drifted, when the champion is among the evaluated checkpoints."""
    config, champion = current.settings.drift, current.registry.champion()
    if not config.enabled or champion is None or champion.checkpoint_id not in evaluated:
        return ()
    query = next(item for item in sql_files(QUERIES) if item.name == "how_steady_is_the_champion")
    history = current.warehouse.query(query.text)
    found = champion_departures(history, current.run.run_id, config)
    for departure in found:
        current.say(departure.sentence())
    await emit(found, checkpoint_id=champion.checkpoint_id, run_id=current.run.run_id)
    return found


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
