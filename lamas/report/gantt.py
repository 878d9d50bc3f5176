"""One rollout on an axis of virtual time: who ran when, and who was waited for."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from lamas.report.rows import ExampleBar
from lamas.report.style import ACCENT, INK, QUIET, chart, few_ticks


def gantt(bars: Sequence[ExampleBar], *, title: str, axis_tokens: float) -> Figure:
    """Full bars are the critical path; hatched bars had slack, the dotted line to its end.

    Two examples drawn with the same `axis_tokens` compare at a glance.
    """
    with chart(0.95 + 0.27 * len(bars)) as (figure, axes):
        for row, bar in enumerate(bars):
            end = bar.start_tokens + bar.cp_tokens
            axes.barh(
                row,
                bar.cp_tokens,
                left=bar.start_tokens,
                height=0.66,
                facecolor=ACCENT if bar.is_critical else "white",
                edgecolor=ACCENT if bar.is_critical else QUIET,
                linewidth=1.6 if bar.is_critical else 0.9,
                hatch=None if bar.is_critical else "////",
                zorder=3,
            )
            if bar.slack_tokens > 0:
                axes.hlines(
                    row, end, end + bar.slack_tokens, color=QUIET, linewidth=1.0, linestyle=":"
                )
            if bar.cp_tokens == 0:
                axes.plot(bar.start_tokens, row, marker="|", markersize=9, color=INK, zorder=4)
        for start in sorted({_layer_start(bars, bar.layer) for bar in bars} - {0.0}):
            axes.axvline(start, color=QUIET, linewidth=0.7, zorder=1)
        axes.set_yticks(range(len(bars)), [_label(bar) for bar in bars])
        for label, bar in zip(axes.get_yticklabels(), bars, strict=True):
            label.set_fontweight("bold" if bar.is_critical else "normal")
        axes.set_ylim(len(bars) - 0.4, -0.6)
        axes.set_xlim(0, axis_tokens * 1.02)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        few_ticks(axes)
        axes.set_xlabel("virtual time, tokens")
        axes.set_title(title, loc="left")
        return figure


def _layer_start(bars: Sequence[ExampleBar], layer: int) -> float:
    return min(bar.start_tokens for bar in bars if bar.layer == layer)


def _label(bar: ExampleBar) -> str:
    return f"{bar.operator} {bar.layer}{' post' if bar.kind == 'post' else ''}"
