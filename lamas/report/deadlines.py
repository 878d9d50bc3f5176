"""Which waiting was asked of a controller and which came out, in words."""

from collections.abc import Iterable, Sequence

from lamas.domain import EvaluationMetric
from lamas.domain.table_fit import WaitClock

_WAIT: dict[WaitClock, tuple[str, str]] = {
    "tokens": ("cp_tokens", "tokens of CP_len"),
    "seconds": ("makespan_seconds", "s"),
}


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
