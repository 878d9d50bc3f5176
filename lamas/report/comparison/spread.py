"""How critical paths of the variants are spread, and what training did to each over its seeds."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lamas.report.comparison.records import Curve, CurvePoint
from lamas.report.rows import Spread
from lamas.report.style import ACCENT, INK, QUIET, chart, few_ticks, panels

CURVES: dict[Curve, tuple[str, float]] = {
    "score": ("score, %", 100.0),
    "cp_tokens": ("CP_len, tokens", 1.0),
    "cost_usd": ("USD per 1,000 problems", 1000.0),
    "reward": ("reward", 1.0),
    "entropy": ("entropy, nats", 1.0),
}


def spreads(items: Sequence[Spread], names: Mapping[str, str]) -> Figure:
    """A box from p25 to p75, bar at p50, whiskers from p05 to p95, tick at p90, dot at the mean."""
    with chart(0.75 + 0.3 * len(items)) as (figure, axes):
        for row, item in enumerate(items):
            axes.hlines(row, item.p05, item.p25, color=INK, linewidth=1.0)
            axes.hlines(row, item.p75, item.p95, color=INK, linewidth=1.0)
            axes.barh(
                row,
                item.p75 - item.p25,
                left=item.p25,
                height=0.56,
                facecolor="#e3e8ec",
                edgecolor=INK,
                linewidth=1.0,
                zorder=2,
            )
            axes.vlines(item.p50, row - 0.32, row + 0.32, color=INK, linewidth=2.4, zorder=4)
            axes.vlines(item.p90, row - 0.2, row + 0.2, color=INK, linewidth=1.2, zorder=4)
            axes.plot(item.mean, row, "o", markersize=4, color=ACCENT, zorder=5)
        axes.set_yticks(range(len(items)), [names[item.entrant] for item in items])
        axes.set_ylim(len(items) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.set_xlim(left=0)
        few_ticks(axes)
        axes.set_xlabel("CP_len, tokens")
        return figure


def curves(
    points: Sequence[CurvePoint],
    variants: Sequence[str],
    names: Mapping[str, str],
    curve: Curve,
) -> Figure:
    """A panel for each variant, all on one scale: mean over seeds, band from lowest to highest."""
    label, factor = CURVES[curve]
    rows = -(-len(variants) // 2)
    with panels(rows, 0.5 + 1.05 * rows) as (figure, grid):
        for axes, variant in zip(grid, variants, strict=False):
            shown = [item for item in points if (item.variant, item.curve) == (variant, curve)]
            steps = [item.step for item in shown]
            axes.fill_between(
                steps,
                [factor * item.lowest for item in shown],
                [factor * item.highest for item in shown],
                color=QUIET,
                alpha=0.3,
                linewidth=0,
            )
            axes.plot(
                steps,
                [factor * item.mean for item in shown],
                color=ACCENT,
                linewidth=1.3,
                marker="o" if len(shown) == 1 else "",
                markersize=4,
            )
            axes.set_title(names[variant], loc="left", fontsize=9)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=3))
            axes.yaxis.set_major_locator(MaxNLocator(nbins=3))
        for axes in grid[len(variants) :]:
            axes.set_visible(False)
        figure.supxlabel("training step", fontsize=9.5)
        figure.supylabel(label, fontsize=9.5)
        return figure
