"""Score against CP_len and against cost over many variants, labelled without overlaps."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox

from lamas.report.rows import Expense, FrontierPoint, Kind
from lamas.report.style import ACCENT, INK, QUIET, RULE, chart, few_ticks

_AXES: dict[Expense, tuple[str, float]] = {
    "cp_tokens": ("CP_len, tokens (mean)", 1.0),
    "cost_usd": ("cost, USD per 1,000 problems (mean)", 1000.0),
}
MARKERS: dict[Kind, str] = {"trained": "o", "untrained": "D", "fixed": "s"}
_POINTS_AN_INCH = 72.0
_NEAR = 9
_PLACES = (
    (6, 6, "left", "bottom"),
    (-6, 6, "right", "bottom"),
    (6, -6, "left", "top"),
    (-6, -6, "right", "top"),
    (9, 0, "left", "center"),
    (-9, 0, "right", "center"),
    (0, 9, "center", "bottom"),
    (0, -9, "center", "top"),
    (15, 12, "left", "bottom"),
    (-15, 12, "right", "bottom"),
    (15, -12, "left", "top"),
    (-15, -12, "right", "top"),
)


def frontier(
    points: Sequence[FrontierPoint],
    numbers: Mapping[str, int],
    names: Mapping[str, str],
    against: Expense,
) -> Figure:
    """All variants with 95 % intervals, numbered; hollow marks are dominated.

    The line joins the best scores for their expense.
    """
    rows = -(-len(points) // 2)
    with chart(3.0 + 0.2 * rows) as (figure, axes):
        for item in points:
            _mark(axes, item, against, bars=True)
        best = sorted(
            (_x(item, against), 100 * item.score)
            for item in points
            if (item.best_for_its_time if against == "cp_tokens" else item.best_for_its_cost)
        )
        if len(best) > 1:
            axes.step(*zip(*best, strict=True), where="post", color=QUIET, linewidth=1.0, zorder=2)
        _frame(axes, points, against)
        handles = [
            _handle(item, _numbered(numbers[item.entrant], names[item.entrant])) for item in points
        ]
        figure.legend(
            handles=handles,
            loc="outside lower center",
            ncols=2,
            handletextpad=0.2,
            columnspacing=1.0,
        )
        _place(figure, axes, points, {k: str(v) for k, v in numbers.items()}, against)
        return figure


def swept(
    points: Sequence[FrontierPoint], labels: Mapping[str, str], title: str, against: Expense
) -> Figure:
    """The values of one swept key joined in their order, the other variants as faint dots."""
    with chart(2.3) as (figure, axes):
        line = [item for item in points if item.entrant in labels]
        line.sort(key=lambda item: list(labels).index(item.entrant))
        for item in points:
            if item.entrant not in labels:
                axes.plot(_x(item, against), 100 * item.score, ".", color=RULE, zorder=1)
        axes.plot(
            [_x(item, against) for item in line],
            [100 * item.score for item in line],
            color=ACCENT,
            linewidth=1.2,
            zorder=2,
        )
        for item in line:
            _mark(axes, item, against, bars=False)
        _frame(axes, points, against)
        axes.set_title(title, loc="left")
        _place(figure, axes, line, labels, against)
        return figure


def _numbered(number: int, name: str) -> str:
    return name if name.startswith(f"{number} ") else f"{number}  {name}"


def _x(item: FrontierPoint, against: Expense) -> float:
    value = item.cp_tokens if against == "cp_tokens" else item.cost_usd
    return _AXES[against][1] * value


def _ends(item: FrontierPoint, against: Expense) -> tuple[float, float]:
    """Of the interval of the expense; the value itself where there is none."""
    factor = _AXES[against][1]
    low, high = (
        (item.cp_tokens_low, item.cp_tokens_high)
        if against == "cp_tokens"
        else (item.cost_usd_low, item.cost_usd_high)
    )
    x = _x(item, against)
    return (x if low is None else factor * low, x if high is None else factor * high)


def _mark(axes: Axes, item: FrontierPoint, against: Expense, *, bars: bool) -> None:
    x, y, colour = _x(item, against), 100 * item.score, _colour(item)
    if bars:
        low, high = _ends(item, against)
        axes.hlines(y, low, high, color=colour, linewidth=0.7, alpha=0.55, zorder=2)
        if item.score_low is not None and item.score_high is not None:
            ends = 100 * item.score_low, 100 * item.score_high
            axes.vlines(x, *ends, color=colour, linewidth=0.7, alpha=0.55, zorder=2)
    axes.plot(
        x,
        y,
        MARKERS[item.kind],
        markersize=7,
        color=colour,
        markerfacecolor="white" if item.dominated else colour,
        markeredgewidth=1.4,
        zorder=3,
    )


def _colour(item: FrontierPoint) -> str:
    return INK if item.fixed else ACCENT


def _handle(item: FrontierPoint, name: str) -> Line2D:
    colour = _colour(item)
    return Line2D(
        [],
        [],
        marker=MARKERS[item.kind],
        linestyle="",
        markersize=6,
        color=colour,
        markerfacecolor="white" if item.dominated else colour,
        markeredgewidth=1.3,
        label=name,
    )


def _frame(axes: Axes, points: Sequence[FrontierPoint], against: Expense) -> None:
    """Limits that show every point; an interval of few seeds may run out of the picture."""
    longest = max((_x(item, against) for item in points), default=1.0)
    reach = max((_ends(item, against)[1] for item in points), default=longest)
    axes.set_xlim(0, max(min(reach, 1.4 * longest), 1.08 * longest) or 1.0)
    scores = [100 * item.score for item in points]
    lows = [100 * (item.score if item.score_low is None else item.score_low) for item in points]
    highs = [100 * (item.score if item.score_high is None else item.score_high) for item in points]
    room = max(max(scores) - min(scores), 10.0)
    axes.set_ylim(
        max(min(lows), min(scores) - room) - 0.04 * room,
        min(max(highs), max(scores) + room) + 0.04 * room,
    )
    few_ticks(axes)
    axes.set_xlabel(_AXES[against][0])
    axes.set_ylabel("score, %")


def _place(
    figure: Figure,
    axes: Axes,
    points: Sequence[FrontierPoint],
    labels: Mapping[str, str],
    against: Expense,
) -> None:
    """Write each label where it hides the least of marks and of other labels."""
    figure.draw_without_rendering()
    inside = axes.get_window_extent()
    spots = [
        axes.transData.transform((_x(item, against), 100 * item.score)).tolist() for item in points
    ]
    scale = figure.dpi / _POINTS_AN_INCH
    half = 5.0 * scale
    taken = [Bbox.from_extents(x - half, y - half, x + half, y + half) for x, y in spots]
    for item, spot in zip(points, spots, strict=True):
        text = labels[item.entrant]
        width, height = (5.6 * len(text) + 1.0) * scale, 9.0 * scale
        boxes = [
            _box(spot, dx * scale, dy * scale, width, height, side, level)
            for dx, dy, side, level in _PLACES
        ]
        costs = [
            sum(_overlap(box, other) for other in taken)
            + 10.0 * (width * height - _overlap(box, inside))
            for box in boxes
        ]
        best = costs.index(min(costs))
        dx, dy, side, level = _PLACES[best]
        taken.append(boxes[best])
        axes.annotate(
            text,
            (_x(item, against), 100 * item.score),
            xytext=(dx, dy),
            textcoords="offset points",
            ha=side,
            va=level,
            fontsize=9,
            color=INK,
            arrowprops={"arrowstyle": "-", "linewidth": 0.6, "color": QUIET}
            if abs(dx) > _NEAR
            else None,
            bbox={"boxstyle": "square,pad=0.05", "facecolor": "white", "edgecolor": "none"},
            zorder=4,
        )


def _box(
    spot: Sequence[float],
    dx: float,
    dy: float,
    width: float,
    height: float,
    side: str,
    level: str,
) -> Bbox:
    x, y = spot[0] + dx, spot[1] + dy
    left = {"left": x, "right": x - width, "center": x - width / 2}[side]
    bottom = {"bottom": y, "top": y - height, "center": y - height / 2}[level]
    return Bbox.from_extents(left, bottom, left + width, bottom + height)


def _overlap(a: Bbox, b: Bbox) -> float:
    width = min(a.x1, b.x1) - max(a.x0, b.x0)
    height = min(a.y1, b.y1) - max(a.y0, b.y0)
    return max(width, 0.0) * max(height, 0.0)
