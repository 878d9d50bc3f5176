"""What a comparison shows, in plain sentences: what is sure, what is not, what does not hold."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lamas.domain import ComparisonEstimate
from lamas.report.comparison.estimates_table import Difference, differences, markdown

RULE = (
    "A claim holds when, with 95 % confidence over training seeds and problems, the score is at "
    "most the margin lower and the critical path is shorter"
)
OWN_TIME = "Makespan is the machine's own time: the simulated model did not wait."
_MAKESPAN = "makespan_seconds_log_ratio"
_AMOUNTS = {
    "cp_tokens_log_ratio": (
        "its critical path is surely shorter",
        "its critical path is surely longer",
        "its critical path may be shorter or longer",
    ),
    "cost_usd_log_ratio": (
        "it is surely cheaper",
        "it is surely dearer",
        "it may be cheaper or dearer",
    ),
    _MAKESPAN: (
        "its measured seconds are surely fewer",
        "its measured seconds are surely more",
        "its measured seconds may be fewer or more",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One variant is as good as another, and faster."""

    variant: str
    reference: str
    holds: bool
    sentence: str
    """Without the names and without what `holds` says."""

    @property
    def text(self) -> str:
        """All of it in one line."""
        return f"{self.variant} against {self.reference}: {self.verdict}. {self.sentence}"

    @property
    def verdict(self) -> str:
        return "holds" if self.holds else "does not hold"


def claims(estimates: Sequence[ComparisonEstimate], *, timed: bool = True) -> tuple[Claim, ...]:
    """A claim for each pair that was set against each other, in the order of the estimates.

    Without `timed` nothing is said of makespans: those of a simulated model that does not wait are
    the machine's own.
    """
    return tuple(_claim(item, timed=timed) for item in differences(estimates))


def claims_markdown(
    estimates: Sequence[ComparisonEstimate], title: str, *, timed: bool = True
) -> str:
    """The tables of `standings.markdown` and the claims, for a Prefect artifact."""
    lines = [markdown(estimates, title)]
    if not timed:
        lines += ["", OWN_TIME]
    found = claims(estimates, timed=timed)
    if found:
        lines += ["", "## Claims", "", f"{RULE}.", "", *(f"- {item.text}" for item in found)]
    return "\n".join(lines)


def _claim(item: Difference, *, timed: bool) -> Claim:
    shorter = item.by_metric.get("cp_tokens_log_ratio")
    holds = (
        item.score.verdict in ("superior", "non-inferior")
        and shorter is not None
        and shorter.high is not None
        and shorter.high < 0.0
    )
    parts = [_score(item.score)]
    parts += [
        _amount(found, *words)
        for metric, words in _AMOUNTS.items()
        if (timed or metric != _MAKESPAN) and (found := item.by_metric.get(metric)) is not None
    ]
    sentence = "; ".join(parts)
    return Claim(
        variant=item.variant,
        reference=item.reference,
        holds=holds,
        sentence=f"{sentence[0].upper()}{sentence[1:]}.",
    )


def _score(item: ComparisonEstimate) -> str:
    points = f"{100 * (item.margin or 0.0):g} points"
    if item.low is None or item.high is None:
        if item.value == 0.0:
            return "the scores were equal on every pair, which gives no interval to judge by"
        return f"the score differed by {_points(item)} on every pair, so there is no interval"
    words = {
        "superior": f"its score is surely higher, so non-inferior at the margin of {points}",
        "non-inferior": f"its score is non-inferior at the margin of {points}",
        "inferior": f"its score is surely lower by the margin of {points} or more",
    }.get(
        item.verdict or "",
        f"its score is not shown to be non-inferior at the margin of {points}",
    )
    ends = f"{100 * item.low:+.1f} to {100 * item.high:+.1f}"
    return f"{words} ({_points(item)}, 95 % interval {ends})"


def _points(item: ComparisonEstimate) -> str:
    return f"{100 * item.value:+.1f} points"


def _amount(item: ComparisonEstimate, less: str, more: str, unclear: str) -> str:
    value = f"{100 * math.expm1(item.value):+.0f} %"
    if item.low is None or item.high is None:
        return f"{unclear} ({value}, no interval)"
    words = less if item.high < 0.0 else more if item.low > 0.0 else unclear
    ends = f"{100 * math.expm1(item.low):+.0f} to {100 * math.expm1(item.high):+.0f}"
    return f"{words} ({value}, {ends})"
