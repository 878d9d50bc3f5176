"""Whether an evaluation of the champion leaves the band of the last ones."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from lamas.domain.drift import MINIMUM_EVALUATIONS, DriftBand

METRICS = ("score", "cp_tokens_mean", "cost_usd")


TO_STANDARD_DEVIATION = 1.4826
"""A normal distribution's standard deviation over its median absolute deviation."""


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


def limits(metric: str, values: Sequence[float], band: DriftBand) -> tuple[float, float]:
    """(low, high) around the median of `values`: so many robust standard deviations wide, and at
    least as wide as configured, absolutely for the score and relatively for the rest.
    """
    centre = statistics.median(values)
    deviation = TO_STANDARD_DEVIATION * statistics.median(abs(item - centre) for item in values)
    least = band.minimum_score if metric == "score" else band.minimum_relative * abs(centre)
    half = max(band.width * deviation, least)
    return centre - half, centre + half


def departures(
    current: Mapping[str, float], earlier: Mapping[str, Sequence[float]], band: DriftBand
) -> tuple[Departure, ...]:
    """The metrics of `current` outside the band of the last values in `earlier` (oldest first).

    A metric with fewer than three earlier values has no band and cannot leave it.
    """
    found: list[Departure] = []
    for metric in METRICS:
        values = list(earlier.get(metric, ()))[-band.evaluations :]
        if metric not in current or len(values) < MINIMUM_EVALUATIONS:
            continue
        low, high = limits(metric, values, band)
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
    history: pl.DataFrame, run_id: str, band: DriftBand
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
    return departures(current, earlier, band)
