"""A rollout drawn as a small Gantt chart for the terminal: who ran when, and who was waited for."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from lamas.domain import CriticalPathLabel, Trace

WIDTH = 40
CRITICAL_BAR = "█"
SLACK_BAR = "░"


def gantt(trace: Trace, labels: Sequence[CriticalPathLabel], cp_tokens: float) -> Table:
    """One line per invocation on an axis of virtual time (CP_len tokens).

    A layer starts where the slowest invocation of the layer before ended; full bars are the
    critical path, light bars had slack. Sequential rollouts are one chain. `cp_tokens`: CP_len.
    """
    by_invocation = {label.invocation_id: label for label in labels}
    table = Table(box=None, pad_edge=False)
    table.add_column("layer", justify="right")
    table.add_column("operator")
    table.add_column(f"0 … {cp_tokens:.0f} tokens", width=WIDTH, no_wrap=True)
    table.add_column("tokens", justify="right")
    table.add_column("slack", justify="right")
    table.add_column("tool s", justify="right")
    table.add_column("USD", justify="right")
    table.add_column("seconds", justify="right")
    scale = WIDTH / cp_tokens if cp_tokens > 0 else 0.0
    start = 0.0
    for layer in trace.layers:
        offset = start
        for invocation in layer:
            label = by_invocation[invocation.invocation_id]
            name = invocation.operator + (" (post)" if invocation.kind == "post" else "")
            name += " (cancelled)" if invocation.status == "cancelled" else ""
            table.add_row(
                str(invocation.layer),
                name if label.is_critical else Text(name, style="dim"),
                _bar(offset * scale, invocation.cp_tokens * scale, critical=label.is_critical),
                f"{invocation.output_tokens}",
                f"{label.slack_tokens:.0f}",
                f"{invocation.tool_seconds:.2f}" if invocation.tools else "",
                f"{invocation.cost_usd:.6f}",
                f"{invocation.seconds:.2f}",
            )
            if trace.execution_mode == "sequential":
                offset += invocation.cp_tokens
        start += max(by_invocation[item.invocation_id].layer_max_tokens for item in layer)
    return table


def _bar(start: float, length: float, *, critical: bool) -> Text:
    begin = min(round(start), WIDTH - 1)
    end = max(begin + 1, min(round(start + length), WIDTH)) if length > 0 else begin
    bar = (CRITICAL_BAR if critical else SLACK_BAR) * (end - begin) or "·"
    return Text(" " * begin + bar, style="bold" if critical else "dim")
