"""The paired differences that a promotion rests on."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lamas.report.run.records import Difference
from lamas.report.style import ACCENT, INK, QUIET, chart

NAMES = {
    "cp_tokens_log_ratio": "CP_len",
    "cost_usd_log_ratio": "cost",
    "makespan_seconds_log_ratio": "makespan",
}


def score_change(difference: Difference) -> Figure:
    """Change of the score in points with its 95 % interval and the margin it must stay above."""
    with chart(1.4) as (figure, axes):
        _interval(axes, 0, difference)
        axes.axvline(0, color=INK, linewidth=1.0)
        axes.axvline(-100 * difference.margin, color=INK, linewidth=1.4, linestyle="--")
        axes.annotate(
            f"margin −{100 * difference.margin:g}",
            (-100 * difference.margin, 0.38),
            xytext=(-5, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=9,
        )
        axes.set_yticks([0], ["score"])
        _frame(axes, rows=1, label="change of the score, points")
        return figure


def ratios(differences: Sequence[Difference]) -> Figure:
    """Changes of CP_len, cost or makespan in per cent with 95 % intervals."""
    shown = list(differences)
    with chart(0.8 + 0.3 * len(shown)) as (figure, axes):
        for row, item in enumerate(shown):
            _interval(axes, row, item)
        axes.axvline(0, color=INK, linewidth=1.0)
        axes.set_yticks(range(len(shown)), [NAMES[item.metric] for item in shown])
        _frame(axes, rows=len(shown), label="change, %")
        return figure


def in_points_or_per_cent(item: Difference, value: float) -> float:
    """A difference of scores in points, a log-ratio as a change in per cent."""
    return 100 * value if item.metric == "score_difference" else 100 * math.expm1(value)


def _interval(axes: Axes, row: int, item: Difference) -> None:
    ends = [in_points_or_per_cent(item, end) for end in (item.low, item.high) if end is not None]
    if len(ends) == 2:
        axes.hlines(row, ends[0], ends[1], color=ACCENT, linewidth=2.0, zorder=3)
    value = in_points_or_per_cent(item, item.value)
    axes.plot(value, row, marker="o", markersize=7, color=ACCENT, zorder=4)


def _frame(axes: Axes, *, rows: int, label: str) -> None:
    axes.set_ylim(rows - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_color(QUIET)
    axes.set_xlabel(label)
