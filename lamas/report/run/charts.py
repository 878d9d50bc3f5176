"""Which charts a report has, each with its name, its words and the query behind it."""

import json
from collections.abc import Collection, Iterator, Mapping
from typing import cast

from lamas.evaluation.promotion import REDUCTIONS
from lamas.report.chart import Chart
from lamas.report.gantt import gantt
from lamas.report.operator_mix import operator_mix
from lamas.report.run.cp_len import grouped, shares, strips
from lamas.report.run.differences import NAMES, ratios, score_change
from lamas.report.run.frontier import frontier
from lamas.report.run.learning import CURVES, learning_curve
from lamas.report.run.records import GanttBar, Key, ReportData
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
        *_examples(data),
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
    points = sorted(data.frontier, key=lambda item: order.index((item.policy, item.checkpoint_id)))
    yield Chart(
        name="score-over-cp-len",
        query="run/frontier",
        caption="Score over CP_len; the line joins the best scores for their time.",
        figure=frontier(points, data.names, drawn, "cp_tokens"),
    )
    yield Chart(
        name="score-over-cost",
        query="run/frontier",
        caption="Score over cost; the line joins the best scores for their cost.",
        figure=frontier(points, data.names, drawn, "cost_usd"),
    )


def _lengths(data: ReportData, drawn: Mapping[Key, Mark]) -> Iterator[Chart]:
    of = grouped(data.cp_len, [item.key for item in data.entrants])
    if not of:
        return
    yield Chart(
        name="cp-len-strips",
        query="run/cp_len",
        caption="A dot is a rollout; the box holds the middle half, the thick bar is the median, "
        "the tick at the right end is p90.",
        figure=strips(of, data.names, drawn),
    )
    yield Chart(
        name="cp-len-shares",
        query="run/cp_len",
        caption="Share of rollouts whose critical path is at most so long; further left is faster.",
        figure=shares(of, data.names, drawn),
    )


def _mixes(data: ReportData) -> Iterator[Chart]:
    operators = in_catalogue_order({item.operator for item in data.operator_mix}, data)
    layers = max((item.layer for item in data.operator_mix), default=0)
    for number, entrant in enumerate(data.learned, start=1):
        shown = [
            item for item in data.operator_mix if (item.policy, item.checkpoint_id) == entrant.key
        ]
        if shown:
            name = data.names[entrant.key]
            title = f"{entrant.role}: {name}" if entrant.role else name
            yield Chart(
                name=f"operator-mix-{entrant.role or number}",
                query="run/operator_mix",
                caption=f"What {name} runs in each layer, in per cent of its rollouts.",
                figure=operator_mix(shown, operators, layers, title),
            )


def in_catalogue_order(operators: Collection[str], data: ReportData) -> list[str]:
    """The operators as the run's configuration lists them; unlisted ones last, by name."""
    config: dict[str, dict[str, object]] = json.loads(data.run[0].config_json)
    enabled = config.get("operators", {}).get("enabled")
    listed = [str(name) for name in cast("list[object]", enabled or [])]
    known = [name for name in listed if name in operators]
    return known + sorted(set(operators) - set(known))


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


def _examples(data: ReportData) -> Iterator[Chart]:
    bars = [bar for bar in data.gantt if (bar.policy, bar.checkpoint_id) == data.subject.key]
    longest = max((bar.rollout_cp_tokens for bar in bars), default=0.0)
    for example, words in (
        ("typical", "A typical rollout (median CP_len)"),
        ("worst", "The worst"),
    ):
        shown = [bar for bar in bars if bar.example == example]
        if shown:
            yield Chart(
                name=f"gantt-{example}",
                query="run/gantt",
                caption=f"{words}: {_example_words(shown[0])}",
                figure=gantt(shown, title=example, axis_tokens=longest or 1.0),
            )


def _example_words(bar: GanttBar) -> str:
    return (
        f"CP_len {bar.rollout_cp_tokens:,.0f} tokens, score {bar.score:g}, problem {bar.problem_id}"
    )
