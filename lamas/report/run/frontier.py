"""Score against CP_len and against cost: who is worth having."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from lamas.report.rows import Expense, FrontierPoint, Key
from lamas.report.style import QUIET, Mark, chart, few_ticks

_LABELS: dict[Expense, str] = {
    "cp_tokens": "CP_len, tokens (mean)",
    "cost_usd": "cost, USD per 1,000 problems (mean)",
}


def frontier(
    points: Sequence[FrontierPoint],
    names: Mapping[Key, str],
    marks: Mapping[Key, Mark],
    against: Expense,
) -> Figure:
    """Score in per cent over CP_len or cost with 95 % intervals; hollow points are dominated."""
    rows = (len(points) + 1) // 2
    with chart(2.7 + 0.2 * rows) as (figure, axes):
        for point in points:
            mark = marks[point.key]
            x, x_error = _position(point, against)
            axes.errorbar(
                x,
                100 * point.score,
                xerr=x_error,
                yerr=_error(point.score, point.score_low, point.score_high, 100.0),
                fmt=mark.marker,
                markersize=7,
                color=mark.colour,
                markerfacecolor="white" if point.dominated else mark.colour,
                markeredgewidth=1.4,
                elinewidth=0.8,
                label=names[point.key],
                zorder=3,
            )
        best = sorted(
            (
                (_position(point, against)[0], 100 * point.score)
                for point in points
                if (point.best_for_its_time if against == "cp_tokens" else point.best_for_its_cost)
            ),
        )
        if len(best) > 1:
            axes.step(
                [x for x, _ in best],
                [y for _, y in best],
                where="post",
                color=QUIET,
                linewidth=1.0,
                zorder=2,
            )
        axes.set_xlim(left=0)
        few_ticks(axes)
        axes.set_xlabel(_LABELS[against])
        axes.set_ylabel("score, %")
        figure.legend(loc="outside lower center", ncols=2, handletextpad=0.3, columnspacing=1.0)
        return figure


def _position(
    point: FrontierPoint, against: Expense
) -> tuple[float, tuple[tuple[float], tuple[float]] | None]:
    if against == "cp_tokens":
        error = _error(point.cp_tokens, point.cp_tokens_low, point.cp_tokens_high, 1.0)
        return point.cp_tokens, error
    error = _error(point.cost_usd, point.cost_usd_low, point.cost_usd_high, 1000.0)
    return 1000 * point.cost_usd, error


def _error(
    value: float, low: float | None, high: float | None, factor: float
) -> tuple[tuple[float], tuple[float]] | None:
    """Distances down and up to the ends of an interval, as matplotlib takes them."""
    if low is None or high is None:
        return None
    # An interval of a quantile or of few problems may end on the other side of the value.
    return (factor * max(0.0, value - low),), (factor * max(0.0, high - value),)
