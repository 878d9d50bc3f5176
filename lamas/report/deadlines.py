"""Which waiting was asked of a controller and which came out, in words and as a table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from lamas.domain import EvaluationMetric
from lamas.domain.table_fit import WaitClock
from lamas.report.rows import Key
from lamas.report.tables import html_table

_WAIT: dict[WaitClock, tuple[str, str]] = {
    "tokens": ("cp_tokens", "tokens of CP_len"),
    "seconds": ("makespan_seconds", "s"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadlineKept:
    """One waiting asked of a controller and what came out; a row of the view `deadlines_kept`."""

    policy: str
    checkpoint_id: str | None
    clock: WaitClock
    asked: float
    """In tokens of CP_len or seconds, as the clock says; so are mean and p90."""
    score: float
    mean: float
    p90: float
    rollouts: int


def deadlines_html(kept: Sequence[DeadlineKept], names: Mapping[Key, str]) -> str:
    """A row for each deadline asked of each controller; "" without any."""
    if not kept:
        return ""
    rows = [
        [
            escape(names.get((item.policy, item.checkpoint_id), item.policy)),
            f"{item.asked:,.4g} {_WAIT[item.clock][1]}",
            f"{item.mean:,.4g}",
            f"{100 * (item.mean / item.asked - 1):+.1f}",
            f"{item.p90:,.4g}",
            f"{100 * item.score:.1f}",
            f"{item.rollouts:,}",
        ]
        for item in kept
    ]
    headers = ("controller", "asked for", "mean", "% beside it", "p90", "score %", "rollouts")
    return html_table(headers, rows)


def deadline_sentences(
    asked: Iterable[tuple[float, Sequence[EvaluationMetric]]], clock: WaitClock
) -> str:
    """A line for each deadline with the metrics that it led to; "" without any.

    One whose waiting was not measured says so.
    """
    prefix, unit = _WAIT[clock]
    lines: list[str] = []
    for deadline, metrics in asked:
        found = {item.metric: item.value for item in metrics}
        mean, p90 = found.get(f"{prefix}_mean"), found.get(f"{prefix}_p90")
        came = (
            "no waiting was measured"
            if mean is None or p90 is None
            else f"{mean:.4g} on average ({100 * (mean / deadline - 1):+.1f} %), p90 {p90:.4g}"
        )
        lines.append(f"Asked for {deadline:.4g} {unit}: {came}.")
    return "\n".join(lines)
