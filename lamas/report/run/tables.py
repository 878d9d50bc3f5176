"""The report's tables as HTML."""

from collections.abc import Collection, Mapping, Sequence
from html import escape

from lamas.domain import EvaluationMetric
from lamas.report.rows import Key, OperatorTime
from lamas.report.run.differences import in_points_or_per_cent
from lamas.report.run.metrics_table import HEADERS, Standing
from lamas.report.run.records import Difference, Failure, ReportData, Spending

_DIFFERENCE_NAMES = {
    "score_difference": "score",
    "cp_tokens_log_ratio": "CP_len",
    "cost_usd_log_ratio": "cost",
    "makespan_seconds_log_ratio": "makespan",
}


LEAST_SHARE = 0.001
"""Operators with less of the critical path are left out of the table of bottlenecks."""


def table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    cards: bool = False,
    minor: Collection[str] = (),
) -> str:
    """A table whose cells are HTML already; the first column is a row's name.

    On a phone each row of `cards` becomes a block of its own, and `minor` columns are left out.
    """
    marks = {name: ' class="minor"' if name in minor else "" for name in headers}
    head = "".join(f'<th scope="col"{marks[name]}>{escape(name)}</th>' for name in headers)
    body = "\n".join(
        "<tr>"
        + f'<th scope="row">{row[0]}</th>'
        + "".join(
            f'<td data-label="{escape(name)}"{marks[name]}>{cell}</td>'
            for name, cell in zip(headers[1:], row[1:], strict=True)
        )
        + "</tr>"
        for row in rows
    )
    kind = ' class="cards"' if cards else ""
    return (
        f'<div class="wide"><table{kind}><thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


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
    return table(HEADERS, rows, cards=True)


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
    return table(("change of", "value", "95 % interval", "problems"), rows)


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
    return table(headers, rows, minor=("runs",))


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
    return table(headers, rows, minor=("tokens in", "tokens out"))


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
    return table(("what", "reason", "times", "calls then answered"), rows, cards=True)


def facts(items: Mapping[str, str]) -> str:
    """Names and values, one a line; values are HTML already."""
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{value}</dd>" for name, value in items.items())
    return f"<dl>{lines}</dl>"


def bar(share: float | None) -> str:
    """A share as a number over a bar of that length."""
    if share is None:
        return "–"
    percent = 100 * share
    return f'<span class="bar" style="--share:{percent:.1f}%">{percent:.1f}</span>'
