"""How the critical paths of each policy's rollouts are spread."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from lamas.report.rows import Key, Spread
from lamas.report.run.records import PathLength
from lamas.report.style import INK, QUIET, Mark, chart, few_ticks

_GOLDEN = 0.6180339887498949
_AXIS = "CP_len, tokens"

Lengths = Mapping[Key, Sequence[PathLength]]


def grouped(lengths: Sequence[PathLength], keys: Sequence[Key]) -> dict[Key, list[PathLength]]:
    """The rollouts of each entrant, in the order of `keys`; without those that finished none."""
    found: dict[Key, list[PathLength]] = {key: [] for key in keys}
    for item in lengths:
        found[item.policy, item.checkpoint_id].append(item)
    return {key: items for key, items in found.items() if items}


def strips(
    of: Lengths, spreads: Mapping[Key, Spread], names: Mapping[Key, str], marks: Mapping[Key, Mark]
) -> Figure:
    """One strip a policy: a dot a rollout, box from p25 to p75, bar at p50, tick at p90."""
    with chart(0.75 + 0.52 * len(of)) as (figure, axes):
        for row, (key, items) in enumerate(of.items()):
            mark, some = marks[key], spreads[key]
            # Spread by the golden ratio: dots of equal lengths do not hide each other.
            heights = [row + 0.5 * ((index * _GOLDEN) % 1.0 - 0.5) for index in range(len(items))]
            axes.scatter(
                [item.cp_tokens for item in items],
                heights,
                s=7,
                color=mark.colour,
                alpha=0.35,
                linewidths=0,
                zorder=2,
            )
            axes.barh(
                row,
                some.p75 - some.p25,
                left=some.p25,
                height=0.56,
                facecolor="none",
                edgecolor=INK,
                linewidth=1.0,
                zorder=3,
            )
            axes.vlines(some.p50, row - 0.34, row + 0.34, color=INK, linewidth=2.6, zorder=4)
            axes.vlines(some.p90, row - 0.2, row + 0.2, color=INK, linewidth=1.2, zorder=4)
            axes.hlines(row, some.p75, some.p90, color=INK, linewidth=1.0, zorder=3)
        axes.set_yticks(range(len(of)), [names[key] for key in of])
        axes.set_ylim(len(of) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.set_xlim(left=0)
        few_ticks(axes)
        axes.set_xlabel(_AXIS)
        return figure


def shares(of: Lengths, names: Mapping[Key, str], marks: Mapping[Key, Mark]) -> Figure:
    """Share of rollouts whose CP_len is at most x."""
    with chart(2.5 + 0.2 * ((len(of) + 1) // 2)) as (figure, axes):
        for key, items in of.items():
            mark = marks[key]
            axes.step(
                [item.cp_tokens for item in items],
                [100 * item.share_up_to for item in items],
                where="post",
                color=mark.colour,
                linewidth=mark.width,
                dashes=mark.dashes or (None, None),
                label=names[key],
            )
        axes.axhline(50, color=QUIET, linewidth=0.8)
        axes.axhline(90, color=QUIET, linewidth=0.8)
        axes.set_yticks([0, 25, 50, 75, 90, 100])
        axes.set_ylim(0, 102)
        axes.set_xlim(left=0)
        few_ticks(axes)
        axes.set_xlabel(_AXIS)
        axes.set_ylabel("rollouts up to it, %")
        figure.legend(loc="outside lower center", ncols=2, handlelength=2.6, columnspacing=1.0)
        return figure
