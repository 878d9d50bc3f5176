"""The report's tables on seconds: how well CP_len and fitted latency models tell them."""

from collections.abc import Sequence
from html import escape

from lamas.report.run.records import LatencyModelFigures, ProxyOperator, ReportData
from lamas.report.tables import html_table


def proxy(data: ReportData) -> str:
    """Correlation of tokens with measured seconds: all rollouts, then each operator's runs."""
    whole = data.proxy_rollouts[0]
    rows = [["rollouts: CP_len", *_figures(whole.rollouts, whole.pearson, whole.spearman), "–"]]
    rows += [_operator(item) for item in data.proxy_operators]
    headers = ("tokens against seconds of", "n", "Pearson", "Spearman", "median s")
    return html_table(headers, rows)


def latency_models(items: Sequence[LatencyModelFigures]) -> str:
    """Fitted seconds of a call, and errors on rollouts kept from the fit beside those of CP_len."""
    if not items:
        return "<p>No latency model was fitted on this run; <code>lamas latency</code> does.</p>"
    rows = [
        [
            f"<code>{escape(item.latency_model_id)}</code>",
            f"{1000 * item.first_token_seconds:.1f}",
            f"{1000 * item.seconds_per_output_token:.3f}",
            f"{item.calls:,}",
            f"{item.held_out_rollouts:,}",
            _pair(
                item.median_absolute_percentage_error,
                item.proxy_median_absolute_percentage_error,
                1,
            ),
            _pair(item.pearson, item.proxy_pearson, 3),
            _pair(item.spearman, item.proxy_spearman, 3),
        ]
        for item in items
    ]
    headers = (
        "latency model",
        "ms to first token",
        "ms a token",
        "calls",
        "held out",
        "median error %",
        "Pearson",
        "Spearman",
    )
    return html_table(headers, rows, cards=True)


def _operator(item: ProxyOperator) -> list[str]:
    figures = _figures(item.invocations, item.pearson, item.spearman)
    return [escape(item.operator), *figures, f"{item.seconds_p50:.3f}"]


def _figures(n: int, *values: float | None) -> list[str]:
    return [f"{n:,}", *("–" if value is None else f"{value:.3f}" for value in values)]


def _pair(fitted: float | None, proxy: float | None, digits: int) -> str:
    """Of the latency model, and in brackets of CP_len."""
    shown = ["–" if value is None else f"{value:.{digits}f}" for value in (fitted, proxy)]
    return f"{shown[0]} ({shown[1]})"
