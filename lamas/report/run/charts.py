"""Which charts a report has, each with its name, its words and the query behind it."""

from collections.abc import Iterator, Mapping

from lamas.evaluation.promotion import REDUCTIONS
from lamas.report.chart import Chart
from lamas.report.charts import Panel, Subject, examples, frontiers, mixes
from lamas.report.rows import Key
from lamas.report.run.cp_len import grouped, shares, strips
from lamas.report.run.differences import NAMES, ratios, score_change
from lamas.report.run.frontier import frontier
from lamas.report.run.learning import CURVES, learning_curve
from lamas.report.run.records import ReportData
from lamas.report.style import Mark, marks, say_simulated


def charts(data: ReportData) -> tuple[Chart, ...]:
    """Every chart that the run has data for, in the order of the report."""
    drawn = marks(data.entrants)
    found = (
        *_differences(data),
        *_frontiers(data, drawn),
        *_lengths(data, drawn),
        *_mixes(data),
        *_curves(data),
        *examples(data.gantt, [Subject(key=data.subject.key)]),
    )
    if data.run[0].simulated:
        for item in found:
            say_simulated(item.figure)
    return found


def _differences(data: ReportData) -> Iterator[Chart]:
    for item in data.differences:
        if item.metric == "score_difference":
            yield Chart(
                name="score-change",
                query="run/differences",
                caption="Change of the score with its 95 % interval; all of it must lie to the "
                "right of the dashed margin.",
                figure=score_change(item),
            )
    # Where nothing waited, the change of makespan is one of the machine, not of a model.
    shown = [
        item
        for item in data.differences
        if item.metric in NAMES
        and (item.metric in REDUCTIONS or data.run[0].makespan_is_of_the_model)
    ]
    if shown:
        yield Chart(
            name="path-and-cost-change",
            query="run/differences",
            caption="Changes in per cent with 95 % intervals; left of 0 is less.",
            figure=ratios(shown),
        )


def _frontiers(data: ReportData, drawn: Mapping[Key, Mark]) -> Iterator[Chart]:
    if not data.frontier:
        return
    order = [item.key for item in data.entrants]
    points = sorted(data.frontier, key=lambda item: order.index(item.key))
    yield from frontiers(
        lambda expense: frontier(points, data.names, drawn, expense),
        {"cp_tokens": "time", "cost_usd": "cost"},
    )


def _lengths(data: ReportData, drawn: Mapping[Key, Mark]) -> Iterator[Chart]:
    of = grouped(data.path_lengths, [item.key for item in data.entrants])
    if not of:
        return
    spreads = {item.key: item for item in data.cp_len}
    yield Chart(
        name="cp-len-strips",
        query="shared/cp_len",
        caption="A dot is a rollout; the box holds the middle half, the thick bar is the median, "
        "the tick at the right end is p90.",
        figure=strips(of, spreads, data.names, drawn),
    )
    yield Chart(
        name="cp-len-shares",
        query="shared/cp_len",
        caption="Share of rollouts whose critical path is at most so long; further left is faster.",
        figure=shares(of, data.names, drawn),
    )


def _mixes(data: ReportData) -> Iterator[Chart]:
    panels: list[Panel] = []
    for number, entrant in enumerate(data.learned, start=1):
        name = data.names[entrant.key]
        panels.append(
            Panel(
                key=entrant.key,
                moment="after",
                name=entrant.role or str(number),
                title=f"{entrant.role}: {name}" if entrant.role else name,
                caption=f"What {name} runs in each layer, in per cent of its rollouts.",
            )
        )
    yield from mixes(data.operator_mix, panels, data.run[0])


def _curves(data: ReportData) -> Iterator[Chart]:
    words = {
        "score": "Mean score of each step's batch of sampled graphs.",
        "cp_tokens": "Mean CP_len of the batch.",
        "entropy": "Mean entropy of the layers' distributions: how undecided the policy is.",
        "reward": "Mean reward of the batch, S − λ_c·C − λ_t·T.",
    }
    if data.learning:
        for curve in CURVES:
            yield Chart(
                name=f"learning-{curve.replace('_', '-')}",
                query="run/learning",
                caption=words[curve],
                figure=learning_curve(data.learning, curve),
            )
