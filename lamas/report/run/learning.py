"""What training did to the batches it drew, step by step."""

from collections.abc import Sequence
from typing import Literal

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lamas.report.run.records import LearningStep
from lamas.report.style import ACCENT, chart, whole_steps

Curve = Literal["score", "cp_tokens", "entropy", "reward"]
CURVES: dict[Curve, str] = {
    "score": "score, %",
    "cp_tokens": "CP_len, tokens",
    "entropy": "entropy, nats",
    "reward": "reward",
}
_MOST_MARKED = 40
"""More steps than this are a line without dots."""


def learning_curve(steps: Sequence[LearningStep], curve: Curve) -> Figure:
    """One figure of each step's batch."""
    factor = 100.0 if curve == "score" else 1.0
    with chart(1.9) as (figure, axes):
        points = [
            (item.step, factor * value)
            for item in steps
            if (value := _value(item, curve)) is not None
        ]
        axes.plot(
            [step for step, _ in points],
            [value for _, value in points],
            color=ACCENT,
            linewidth=1.4,
            marker="o" if len(points) <= _MOST_MARKED else "",
            markersize=4,
        )
        axes.set_title(CURVES[curve], loc="left")
        axes.set_xlabel("training step")
        whole_steps(axes)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
        return figure


def _value(item: LearningStep, curve: Curve) -> float | None:
    match curve:
        case "score":
            return item.score
        case "cp_tokens":
            return item.cp_tokens
        case "entropy":
            return item.entropy
        case "reward":
            return item.reward
