"""The report of a simulation as one HTML page: SLOs over load, completion times, memory, waits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import polars as pl
from matplotlib.figure import Figure
from pydantic import TypeAdapter

from lamas.errors import WarehouseError
from lamas.report.chart import Chart
from lamas.report.html import configuration, figures, section, source, whole_page
from lamas.report.rows import RunFacts
from lamas.report.style import chart, few_ticks
from lamas.report.tables import html_table

SHARES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Of workflows, as `warehouse/reports/simulation/completion.sql` asks for them."""
MOST_PAIRS = 8
"""Who waited for whom, by set of policies."""
_LINES = ("-", "--", ":", "-.")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")
_LEAD = (
    '<p class="simulated"><strong>Simulated cluster.</strong> Nothing was asked of a model: '
    "seconds and bytes below follow from the shapes of models, see the configuration.</p>"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadRow:
    """One set of policies under one load, means over seeds."""

    policies: str
    load: float
    seeds: int
    slo_2: float
    slo_3: float
    slo_5: float
    completion_mean_seconds: float
    workflows_per_second: float
    overflow_rate: float
    prefix_hit_rate: float
    cold_starts: float
    node_hours: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CompletionRow:
    """Seconds within which each of SHARES of the workflows ended."""

    policies: str
    load: float
    seconds: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryRow:
    """One look at one node."""

    policies: str
    load: float
    seed: int
    node: str
    seen_at: float
    weight_bytes: float
    pinned_bytes: float
    reserved_bytes: float
    cached_bytes: float
    running: int
    waiting: int


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitRow:
    """Calls of one kind that waited while calls of another ran at their node."""

    policies: str
    waiting_role: str
    waiting_model: str
    running_role: str
    running_model: str
    calls: int
    call_seconds: float
    """Σ over waiting and running calls of the seconds in which both did."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulationData:
    """What the queries of `warehouse/reports/simulation` return."""

    run: tuple[RunFacts, ...]
    loads: tuple[LoadRow, ...]
    completion: tuple[CompletionRow, ...]
    timeline: tuple[MemoryRow, ...]
    waited_for: tuple[WaitRow, ...]


_DATA = TypeAdapter(SimulationData)


def simulation_data(answers: Mapping[str, pl.DataFrame], run_id: str) -> SimulationData:
    """Answers by query as records; WarehouseError for a run without a stored cell."""
    if answers["loads"].is_empty():
        raise WarehouseError(
            f"run {run_id} stored no simulated cell: `lamas simulate` with the same overrides goes "
            "on with it"
        )
    return _DATA.validate_python({name: frame.to_dicts() for name, frame in answers.items()})


def simulation_charts(data: SimulationData) -> tuple[Chart, ...]:
    """Every chart that the run has data for."""
    return (*_slo(data.loads), *_completion(data.completion), *_memory(data.timeline))


def simulation_page(data: SimulationData, charts: Sequence[Chart]) -> str:
    """The whole page; equal data give equal bytes."""
    run = data.run[0]
    return whole_page(
        run,
        [
            section("SLO attainment over load", figures(charts, "simulation/loads", run)),
            section("What each set of policies reached", _reached(data)),
            section("How long workflows take", figures(charts, "simulation/completion", run)),
            section("One node's memory", figures(charts, "simulation/timeline", run)),
            section("Who waited for whom", _waits(data)),
            section("Configuration", configuration(run)),
        ],
        lead=_LEAD,
    )


def _slo(rows: Sequence[LoadRow]) -> Iterator[Chart]:
    with chart(3.6) as (figure, axes):
        for place, name in enumerate(dict.fromkeys(row.policies for row in rows)):
            own = [row for row in rows if row.policies == name]
            axes.plot(
                [row.load for row in own],
                [row.slo_3 for row in own],
                linestyle=_LINES[place % len(_LINES)],
                marker=_MARKERS[place % len(_MARKERS)],
                label=name,
            )
        axes.set_xlabel("load, as a share of the nominal capacity")
        axes.set_ylabel("share within 3 × idle")
        axes.set_ylim(-0.02, 1.02)
        axes.legend()
    yield Chart(
        name="slo-over-load",
        query="simulation/loads",
        caption="Share of workflows that end within three times their seconds on an idle cluster, "
        "by load and set of policies; means over seeds.",
        figure=figure,
    )


def _completion(rows: Sequence[CompletionRow]) -> Iterator[Chart]:
    most = max((row.load for row in rows), default=0.0)
    with chart(3.6) as (figure, axes):
        shown = [row for row in rows if row.load == most]
        for place, row in enumerate(shown):
            axes.plot(
                row.seconds, SHARES, linestyle=_LINES[place % len(_LINES)], label=row.policies
            )
        axes.set_xscale("log")
        axes.set_xlabel("seconds from arrival to end")
        axes.set_ylabel("share of workflows")
        axes.legend()
    yield Chart(
        name="completion-times",
        query="simulation/completion",
        caption=f"Distribution of completion times at load {most:g}, all seeds together.",
        figure=figure,
    )


def _memory(rows: Sequence[MemoryRow]) -> Iterator[Chart]:
    if not rows:
        return
    first = rows[0]
    yield Chart(
        name="memory-of-a-node",
        query="simulation/timeline",
        caption=f"Memory of {first.node} under {first.policies} at load {first.load:g}, seed "
        f"{first.seed}: weights, prompts in use, room for answers, prompts kept for later.",
        figure=_stack(rows),
    )


def _stack(rows: Sequence[MemoryRow]) -> Figure:
    with chart(3.2) as (figure, axes):
        axes.stackplot(
            [row.seen_at for row in rows],
            [[row.weight_bytes / 1e9 for row in rows], [row.pinned_bytes / 1e9 for row in rows],
             [row.reserved_bytes / 1e9 for row in rows], [row.cached_bytes / 1e9 for row in rows]],
            labels=("weights", "prompts in use", "reserved for answers", "kept prompts"),
            colors=("0.25", "0.5", "0.7", "0.88"),
        )  # fmt: skip
        axes.set_xlabel("simulated seconds")
        axes.set_ylabel("GB")
        axes.legend(loc="upper left")
        few_ticks(axes)
    return figure


def _reached(data: SimulationData) -> str:
    headers = ("policies", "load", "seeds", "mean s", "SLO 2×", "SLO 3×", "SLO 5×", "workflows/s")
    rows = [
        (
            escape(row.policies),
            f"{row.load:g}",
            str(row.seeds),
            f"{row.completion_mean_seconds:.2f}",
            *(f"{share:.3f}" for share in (row.slo_2, row.slo_3, row.slo_5)),
            f"{row.workflows_per_second:.3f}",
            f"{100 * row.overflow_rate:.2f} %",
            f"{100 * row.prefix_hit_rate:.1f} %",
            f"{row.cold_starts:.1f}",
            f"{row.node_hours:.2f}",
        )
        for row in sorted(data.loads, key=lambda row: row.load)
    ]
    table = html_table((*headers, "overflow", "prefix hits", "cold starts", "node hours"), rows)
    return f"{table}\n{source('simulation/loads', data.run[0])}"


def _waits(data: SimulationData) -> str:
    shown: list[tuple[str, ...]] = []
    for name in dict.fromkeys(row.policies for row in data.waited_for):
        own = [row for row in data.waited_for if row.policies == name][:MOST_PAIRS]
        shown += [
            (
                escape(row.policies),
                escape(f"{row.waiting_role} of {row.waiting_model}"),
                escape(f"{row.running_role} of {row.running_model}"),
                f"{row.calls:,}",
                f"{row.call_seconds:,.0f}",
            )
            for row in own
        ]
    if not shown:
        return "<p>Nobody waited.</p>"
    table = html_table(("policies", "waited", "while there ran", "calls", "call-seconds"), shown)
    return f"{table}\n{source('simulation/waited_for', data.run[0])}"
