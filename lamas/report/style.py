"""How every chart looks: sizes, ink, marks that differ without colour, and the way into HTML."""

import io
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lamas.report.rows import Key
from lamas.report.run.records import Entrant

INK = "#1d2733"
QUIET = "#6a7682"
RULE = "#d4d9de"
ACCENT = "#0b4f8a"

WIDTH_INCHES = 3.55
"""A chart fits a phone of 390 px as it is: nothing is scaled down, text keeps its size."""
PNG_DPI = 200

_RC: dict[str, object] = {
    "font.family": "sans-serif",
    "font.size": 9.5,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9.5,
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
    "legend.fontsize": 9.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.8,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """How one entrant is drawn; shape and dashes alone tell them apart."""

    marker: str
    dashes: tuple[float, ...]
    """On and off lengths in points; empty for a full line."""
    colour: str
    width: float


_SHAPES = ("s", "^", "D", "v", "P", "X", "<", ">", "p", "h")
_DASHES: tuple[tuple[float, ...], ...] = (
    (5.0, 1.5),
    (1.2, 1.2),
    (6.0, 1.5, 1.2, 1.5),
    (2.5, 1.2),
    (8.0, 2.0),
    (3.0, 1.2, 1.2, 1.2, 1.2, 1.2),
)


def marks(entrants: Sequence[Entrant]) -> dict[Key, Mark]:
    """One mark for each entrant; the trained controller is a full line and a circle."""
    found: dict[Key, Mark] = {}
    others = 0
    for item in entrants:
        if item.role == "after":
            found[item.key] = Mark(marker="o", dashes=(), colour=ACCENT, width=2.2)
            continue
        found[item.key] = Mark(
            marker=_SHAPES[others % len(_SHAPES)],
            dashes=_DASHES[others % len(_DASHES)],
            colour=ACCENT if item.checkpoint_id else INK,
            width=1.3,
        )
        others += 1
    return found


@contextmanager
def chart(height_inches: float) -> Generator[tuple[Figure, Axes]]:
    """A figure with one pair of axes, in the style, while the block draws."""
    with style.context(_RC, after_reset=True):
        figure = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")
        axes = figure.add_subplot()
        yield figure, axes


@contextmanager
def panels(rows: int, height_inches: float) -> Generator[tuple[Figure, list[Axes]]]:
    """As `chart`, with `rows` × 2 small pairs of axes that share both scales, row by row."""
    with style.context(_RC, after_reset=True):
        figure = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")
        grid = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False)
        yield figure, [axes for row in grid.tolist() for axes in row]


def whole_steps(axes: Axes) -> None:
    """Ticks of the x axis at whole numbers only."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def few_ticks(axes: Axes) -> None:
    """No more ticks on the x axis than a phone has room for."""
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5))


def say_simulated(figure: Figure) -> None:
    """Say on the chart itself that no language model answered, wherever the picture goes."""
    with style.context(_RC, after_reset=True):
        if len(figure.axes) > 1:
            # Small panels have no room beside their titles.
            figure.suptitle(
                "simulated", x=1.0, ha="right", color=QUIET, fontsize=9, fontstyle="italic"
            )
            return
        figure.axes[0].set_title(
            "simulated", loc="right", color=QUIET, fontsize=9, fontstyle="italic"
        )


def svg(figure: Figure, name: str, description: str) -> str:
    """The figure as an element of an HTML page; `name` keeps its ids apart from other charts'."""
    buffer = io.StringIO()
    with style.context({**_RC, "svg.hashsalt": name}, after_reset=True):
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", text)
    label = description.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return text.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def png(figure: Figure) -> bytes:
    """The figure as a PNG of 200 dots per inch."""
    buffer = io.BytesIO()
    with style.context(_RC, after_reset=True):
        figure.set_dpi(PNG_DPI)
        FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()
