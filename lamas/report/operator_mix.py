"""Which operators a controller picks in which layer."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from lamas.report.rows import LayerShare
from lamas.report.style import INK, chart


def operator_mix(
    shares: Sequence[LayerShare], operators: Sequence[str], layers: int, title: str
) -> Figure:
    """A grid of operators [rows] by layers [columns]: per cent of rollouts that run it there."""
    table = [[0.0] * layers for _ in operators]
    for item in shares:
        table[operators.index(item.operator)][item.layer - 1] = item.share
    with chart(0.95 + 0.29 * len(operators)) as (figure, axes):
        for row, values in enumerate(table):
            for column, share in enumerate(values):
                if share:
                    # White to middle grey: dark figures stay readable on it.
                    tone = f"{1.0 - 0.35 * share:.3f}"
                    axes.barh(row, 1.0, left=column - 0.5, height=1.0, color=tone)
                axes.text(
                    column,
                    row,
                    f"{100 * share:.0f}" if share else "·",
                    ha="center",
                    va="center",
                    fontsize=9,
                    fontweight="bold" if share >= 0.5 else "normal",
                    color=INK,
                )
        axes.set_yticks(range(len(operators)), list(operators))
        axes.set_xticks(range(layers), [str(layer + 1) for layer in range(layers)])
        axes.tick_params(length=0)
        axes.grid(visible=False)
        axes.set_xlim(-0.5, layers - 0.5)
        axes.set_ylim(len(operators) - 0.5, -0.5)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_xlabel("layer (cells: % of rollouts)")
        axes.set_title(title, loc="left")
        return figure
