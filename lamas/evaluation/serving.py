"""How policies compare over seeds, and how good forecasts are on calls that they did not see."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import scipy
from numpy.typing import NDArray

from lamas.domain.serving import ServedCall, ServedWorkflow, SimulatedCell
from lamas.errors import DomainError
from lamas.evaluation.intervals import CONFIDENCE
from lamas.serving.prediction.baseline import EmpiricalLengths
from lamas.serving.prediction.forecaster import Forecaster
from lamas.serving.prediction.observed import ObservedCall


@dataclass(frozen=True, kw_only=True, slots=True)
class CellFigures:
    """The view `serving_cells`: one set of policies under one load with one seed."""

    policies: str
    load: float
    seed: int
    workflows: int
    calls: int
    completion_mean_seconds: float
    completion_p95_seconds: float
    slo_2: float
    slo_3: float
    slo_5: float
    workflows_per_second: float
    wait_mean_seconds: float
    reserved_byte_seconds: float
    used_share: float
    overflow_rate: float
    growth_rate: float
    bound_coverage: float
    cold_starts: int
    prefix_hit_rate: float
    open_node_seconds: float
    overtaking_share: float
    distinct_keys: int


def cell_figures(
    cell: SimulatedCell,
    workflows: Sequence[ServedWorkflow],
    calls: Sequence[ServedCall],
    cold_starts: int,
) -> CellFigures:
    """What the view `serving_cells` says of a cell, from its records; none may be missing."""
    took = np.array([item.ended_at - item.arrived_at for item in workflows])
    slower = took / np.array([item.idle_seconds for item in workflows])
    waits = np.array([item.started_at - item.ready_at for item in calls])
    reserved = float(sum(item.reserved_byte_seconds for item in calls))
    return CellFigures(
        policies=cell.policies,
        load=cell.load,
        seed=cell.seed,
        workflows=len(workflows),
        calls=len(calls),
        completion_mean_seconds=float(took.mean()),
        completion_p95_seconds=float(np.quantile(took, 0.95)),
        slo_2=float((slower <= 2).mean()),
        slo_3=float((slower <= 3).mean()),
        slo_5=float((slower <= 5).mean()),
        workflows_per_second=len(workflows) / cell.ended_at,
        wait_mean_seconds=float(waits.mean()),
        reserved_byte_seconds=reserved,
        used_share=float(sum(item.used_byte_seconds for item in calls)) / reserved,
        overflow_rate=float(np.mean([item.preemptions > 0 for item in calls])),
        growth_rate=float(np.mean([item.growths > 0 for item in calls])),
        bound_coverage=float(np.mean([item.output_tokens <= item.upper_tokens for item in calls])),
        cold_starts=cold_starts,
        prefix_hit_rate=sum(item.cached_tokens for item in calls)
        / sum(item.input_tokens for item in calls),
        open_node_seconds=cell.open_node_seconds,
        overtaking_share=_overtaking(calls),
        distinct_keys=len({item.key for item in calls}),
    )


def _overtaking(calls: Sequence[ServedCall]) -> float:
    """Share of calls that started before one at their node that had been ready earlier."""
    earliest: dict[str, int] = {}
    found = 0
    for item in sorted(calls, key=lambda item: (-item.started_at, -item.call)):
        found += earliest.get(item.node, item.call) < item.call
        earliest[item.node] = min(earliest.get(item.node, item.call), item.call)
    return found / len(calls)


FIGURES = (
    "completion_mean_seconds",
    "completion_p95_seconds",
    "slo_2",
    "slo_3",
    "slo_5",
    "workflows_per_second",
    "reserved_byte_seconds",
    "overflow_rate",
    "cold_starts",
    "prefix_hit_rate",
    "wait_mean_seconds",
    "overtaking_share",
    "open_node_seconds",
)
RATIOS = frozenset(
    {
        "completion_mean_seconds",
        "completion_p95_seconds",
        "workflows_per_second",
        "reserved_byte_seconds",
        "open_node_seconds",
    }
)
"""Figures that are compared by their ratio, the others by their difference."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A mean over seeds and its 95 % interval by Student's t; no interval from one seed."""

    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedPolicies:
    """One set of policies under one load, over all seeds."""

    policies: str
    load: float
    values: dict[str, Estimate]
    """By figure."""
    against: dict[str, Estimate]
    """By figure, paired by seed with the reference: own / reference for RATIOS, else own −
    reference; empty for the reference itself."""
    distinct_keys: float


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and t-interval of values over seeds; DomainError without any."""
    if not values:
        raise DomainError("no value to take the mean of: simulate at least one seed")
    array = np.asarray(values, dtype=np.float64)
    mean, n = float(array.mean()), len(values)
    if n < 2:
        return Estimate(mean=mean, low=math.nan, high=math.nan, n=n)
    quantile = float(cast("float", scipy.stats.t.ppf(0.5 + CONFIDENCE / 2, n - 1)))
    reach = quantile * float(array.std(ddof=1)) / math.sqrt(n)
    return Estimate(mean=mean, low=mean - reach, high=mean + reach, n=n)


def compared(cells: Sequence[CellFigures], reference: str) -> tuple[ComparedPolicies, ...]:
    """Every set under every load, in the order of the cells, paired by seed with the reference."""
    groups: defaultdict[tuple[float, str], dict[int, CellFigures]] = defaultdict(dict)
    for cell in cells:
        groups[cell.load, cell.policies][cell.seed] = cell
    found: list[ComparedPolicies] = []
    for (load, name), by_seed in groups.items():
        base = groups.get((load, reference), {})
        shared = [seed for seed in by_seed if seed in base]
        against: dict[str, Estimate] = {}
        if name != reference and shared:
            for figure in FIGURES:
                pairs = [
                    (_figure(by_seed[seed], figure), _figure(base[seed], figure)) for seed in shared
                ]
                against[figure] = estimate([_weighed(figure, own, other) for own, other in pairs])
        found.append(
            ComparedPolicies(
                policies=name,
                load=load,
                values={
                    figure: estimate([_figure(cell, figure) for cell in by_seed.values()])
                    for figure in FIGURES
                },
                against=against,
                distinct_keys=float(np.mean([cell.distinct_keys for cell in by_seed.values()])),
            )
        )
    return tuple(found)


def _figure(cell: CellFigures, name: str) -> float:
    return float(cast("float", getattr(cell, name)))


def _weighed(figure: str, own: float, other: float) -> float:
    if figure not in RATIOS:
        return own - other
    return own / other if other else math.nan


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastQuality:
    """Held-out errors of one (operator, model), beside its empirical quantiles'."""

    role: str
    model: str
    calls: int
    median_loss: float
    """Mean |length − forecast of the median| in tokens."""
    baseline_median_loss: float
    upper_loss: float
    """Mean pinball loss of the bound at its level, in tokens."""
    baseline_upper_loss: float
    coverage: float
    """Share of lengths within the bound."""
    baseline_coverage: float


def pinball(lengths: NDArray[np.float64], forecast: NDArray[np.float64], level: float) -> float:
    """Mean pinball loss (Koenker and Bassett 1978): least in expectation at the true quantile."""
    over = lengths - forecast
    return float(np.maximum(level * over, (level - 1) * over).mean())


def forecast_quality(
    training: Sequence[ObservedCall], held_out: Sequence[ObservedCall], forecaster: Forecaster
) -> tuple[ForecastQuality, ...]:
    """By (operator, model), and all together under two empty names."""
    baseline, level = EmpiricalLengths(training), forecaster.lengths.level
    rows: defaultdict[tuple[str, str], list[tuple[float, float, float, float, float]]]
    rows = defaultdict(list)
    for call in held_out:
        length = forecaster.lengths.length(
            call.role, call.model, call.workflow_type, call.input_tokens
        )
        row = (
            float(call.output_tokens),
            length.median,
            float(length.upper),
            baseline.quantile(call.role, call.model, 0.5),
            baseline.quantile(call.role, call.model, level),
        )
        rows[call.role, call.model].append(row)
        rows["", ""].append(row)
    return tuple(
        _quality(role, model, np.asarray(found), level)
        for (role, model), found in sorted(rows.items())
    )


def _quality(role: str, model: str, found: NDArray[np.float64], level: float) -> ForecastQuality:
    """`found` [n, 5]: length, our median and bound, the empirical median and quantile."""
    lengths, median, upper, empirical_median, empirical_upper = found.T
    return ForecastQuality(
        role=role,
        model=model,
        calls=len(lengths),
        median_loss=2 * pinball(lengths, median, 0.5),
        baseline_median_loss=2 * pinball(lengths, empirical_median, 0.5),
        upper_loss=pinball(lengths, upper, level),
        baseline_upper_loss=pinball(lengths, empirical_upper, level),
        coverage=float((lengths <= upper).mean()),
        baseline_coverage=float((lengths <= empirical_upper).mean()),
    )
