"""Which charts the report of a comparison has, each with its name, its words and its query."""

import json
from collections.abc import Iterator
from typing import cast

from lamas.report.chart import Chart
from lamas.report.charts import (
    EXPENSES,
    Panel,
    Subject,
    examples,
    file_name,
    frontiers,
    mixes,
)
from lamas.report.comparison.frontier import frontier, swept
from lamas.report.comparison.records import ComparisonData, Curve, by_value
from lamas.report.comparison.spread import CURVES, curves, spreads
from lamas.report.rows import Moment
from lamas.report.style import say_simulated

_MOMENTS: dict[Moment, str] = {"before": "before training", "after": "as evaluated"}
_CURVES: dict[Curve, str] = {
    "score": "Score of each step's batch of sampled graphs.",
    "cp_tokens": "CP_len of the batch.",
    "cost_usd": "Cost of the batch.",
    "reward": "Reward S − λ_c·C − λ_t·T, each variant with its own λ.",
    "entropy": "Entropy of the layers' distributions: how undecided the policy is.",
}


def comparison_charts(data: ComparisonData) -> tuple[Chart, ...]:
    """Every chart that the comparison has data for, in the order of the page."""
    found = (
        *_frontiers(data),
        *_swept(data),
        *_lengths(data),
        *_mixes(data),
        *_learning(data),
        *_examples(data),
    )
    if data.run[0].simulated:
        for item in found:
            say_simulated(item.figure)
    return found


def swept_keys(data: ComparisonData) -> dict[str, dict[str, str]]:
    """For each key of a sweep its variants in the order of their values, labelled by the value.

    Only variants that set this key alone, and `base` at the value that it has.
    """
    if data.run[0].kind != "sweep":
        return {}
    keys: dict[str, dict[str, str]] = {}
    for name in data.numbers:
        own = data.overrides(name)
        if len(own) == 1:
            key, _, value = own[0].partition("=")
            keys.setdefault(key, {})[name] = value
    if "base" in data.numbers:
        for key, of in keys.items():
            of["base"] = _configured(data, key)
    return {
        key: {
            name: f"{value} (base)" if name == "base" else value
            for name, value in sorted(of.items(), key=lambda item: by_value(f"={item[1]}"))
        }
        for key, of in keys.items()
    }


def _configured(data: ComparisonData, key: str) -> str:
    """The value of a key in the configuration that all share; of a group nothing."""
    content: object = json.loads(data.run[0].config_json)
    for part in key.split("."):
        content = (
            cast("dict[str, object]", content).get(part) if isinstance(content, dict) else None
        )
    return "" if content is None or isinstance(content, dict) else str(content)


def _frontiers(data: ComparisonData) -> Iterator[Chart]:
    if data.points:
        yield from frontiers(
            lambda expense: frontier(data.points, data.numbers, data.labels, expense), EXPENSES
        )


def _swept(data: ComparisonData) -> Iterator[Chart]:
    for key, labels in swept_keys(data).items():
        for expense, name in EXPENSES.items():
            yield Chart(
                name=f"sweep-{key.replace('.', '-').replace('_', '-')}-{file_name(name)}",
                query="shared/frontier/swept",
                caption=f"{key}: score over {name} at each value; dots are all other variants.",
                figure=swept(data.points, labels, key, expense),
            )


def _lengths(data: ComparisonData) -> Iterator[Chart]:
    order = data.numbers
    items = sorted(data.cp_len, key=lambda item: order.get(item.entrant, 0))
    if items:
        yield Chart(
            name="cp-len",
            query="shared/cp_len",
            caption="The box holds the middle half of the rollouts, whiskers 90 %; the thick bar "
            "is the median, the thin one p90, the dot the mean.",
            figure=spreads(items, data.labels),
        )


def _mixes(data: ComparisonData) -> Iterator[Chart]:
    panels = [
        Panel(
            key=(variant, None),
            moment=moment,
            name=f"{number}-{moment}",
            title=f"{data.labels[variant]}\n{words}",
            caption=f"What {variant} runs in each layer {words}, in per cent of rollouts.",
        )
        for variant, number in data.numbers.items()
        for moment, words in _MOMENTS.items()
    ]
    yield from mixes(data.operator_mix, panels, data.run[0])


def _learning(data: ComparisonData) -> Iterator[Chart]:
    learned = {item.variant for item in data.learning}
    variants = [name for name in data.numbers if name in learned]
    for curve in CURVES:
        if any(item.curve == curve for item in data.learning):
            yield Chart(
                name=f"learning-{curve.replace('_', '-')}",
                query="comparison/learning",
                caption=_CURVES[curve],
                figure=curves(data.learning, variants, data.labels, curve),
            )


def _examples(data: ComparisonData) -> Iterator[Chart]:
    subjects = [
        Subject(
            key=(variant, None),
            name=variant,
            number=data.numbers[variant],
            label=data.labels[variant],
        )
        for variant in data.shown
    ]
    yield from examples(data.gantt, subjects)
