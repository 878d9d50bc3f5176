"""The report's tables as HTML."""

from collections.abc import Sequence
from html import escape

from lamas.domain import EvaluationMetric
from lamas.report.rows import Key, OperatorTime
from lamas.report.run.differences import in_points_or_per_cent
from lamas.report.run.metrics_table import HEADERS, Standing
from lamas.report.run.records import Difference, Failure, ReportData, Spending
from lamas.report.tables import bar, html_table

_DIFFERENCE_NAMES = {
    "score_difference": "score",
    "cp_tokens_log_ratio": "CP_len",
    "cost_usd_log_ratio": "cost",
    "makespan_seconds_log_ratio": "makespan",
}


LEAST_SHARE = 0.001
"""Operators with less of the critical path are left out of the table of bottlenecks."""


def headline(data: ReportData) -> str:
    """Every entrant's metrics with their 95 % intervals, in the words of the terminal's table."""
    names = data.names
    by_entrant: dict[Key, list[EvaluationMetric]] = {item.key: [] for item in data.entrants}
    for item in data.headline:
        by_entrant.setdefault((item.policy, item.checkpoint_id), []).append(item)
    rows = [
        [escape(cell) for cell in Standing(name=names[key], metrics=tuple(metrics)).cells()]
        for key, metrics in by_entrant.items()
        if any(item.metric == "score" for item in metrics)
    ]
    return html_table(HEADERS, rows, cards=True)


def differences(items: Sequence[Difference], *, own_time: bool) -> str:
    """Each paired difference: points of score, per cent of the rest.

    `own_time`: makespan is the time of the machine, because the simulated model did not wait.
    """
    rows: list[list[str]] = []
    for item in items:
        unit = "points" if item.metric == "score_difference" else "%"
        ends = [
            in_points_or_per_cent(item, end) for end in (item.low, item.high) if end is not None
        ]
        rows.append(
            [
                _DIFFERENCE_NAMES[item.metric]
                + (", the machine's" if own_time and "makespan" in item.metric else ""),
                f"{in_points_or_per_cent(item, item.value):+.1f} {unit}",
                f"[{ends[0]:+.1f}, {ends[1]:+.1f}]" if len(ends) == 2 else "–",
                str(item.problems),
            ]
        )
    return html_table(("change of", "value", "95 % interval", "problems"), rows)


def bottlenecks(items: Sequence[OperatorTime]) -> str:
    """Operators by what share of the summed critical paths they took."""
    rows = [
        [
            f"{escape(item.operator)} {item.layer}",
            bar(item.critical_path_share),
            f"{100 * item.critical_share:.0f}",
            f"{item.cp_tokens_p50:.0f}",
            f"{item.cp_tokens_p90:.0f}",
            str(item.invocations),
        ]
        for item in items
        if item.critical_path_share is None or item.critical_path_share >= LEAST_SHARE
    ]
    headers = ("operator, layer", "% of path", "% slowest", "p50", "p90", "runs")
    return html_table(headers, rows, minor=("runs",))


def spending(items: Sequence[Spending]) -> str:
    """USD by purpose and operator, the dearest first."""
    rows = [
        [
            f"{escape(item.operator)}, {escape(item.purpose)}",
            bar(item.share_of_run),
            f"{item.cost_usd:.4f}",
            f"{item.attempts:,}",
            f"{item.input_tokens:,}",
            f"{item.output_tokens:,}",
        ]
        for item in items
    ]
    headers = ("operator, purpose", "% of run", "USD", "calls", "tokens in", "tokens out")
    return html_table(headers, rows, minor=("tokens in", "tokens out"))


def failures(items: Sequence[Failure]) -> str:
    """What failed, where, why and how often; a sentence when nothing did."""
    if not items:
        return "<p>No rollout failed, and no call had to be repeated.</p>"
    rows = [
        [
            f"{item.what}: {escape(item.place)}",
            f'<span class="prose">{escape(item.reason)}</span>',
            f"{item.failures:,}",
            "–" if item.recovered is None else f"{item.recovered:,}",
        ]
        for item in items
    ]
    return html_table(("what", "reason", "times", "calls then answered"), rows, cards=True)
