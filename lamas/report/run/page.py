"""The report as one HTML page that needs nothing beside itself."""

from collections.abc import Sequence
from html import escape

from lamas.evaluation.promotion import Verdict
from lamas.report.candidates import candidates_html
from lamas.report.chart import Chart
from lamas.report.deadlines import deadlines_html
from lamas.report.html import (
    NO_WAIT,
    Recipe,
    configuration,
    figures,
    reproduce,
    section,
    source,
    whole_page,
)
from lamas.report.rows import RunFacts
from lamas.report.run import tables
from lamas.report.run.metrics_table import NOTE
from lamas.report.run.picks import closed_html, picks_html
from lamas.report.run.records import ReportData
from lamas.report.run.seconds import latency_models, proxy
from lamas.report.table_values import values_html

_INTROS = {
    "shared/frontier": "Bars are 95 % intervals. A hollow mark is dominated: another policy is "
    "nowhere worse in score, cost and CP_len, and somewhere better.",
    "shared/operator_mix": "Shares of the rollouts on the evaluated problems: · is none, bold is "
    "half or more. A graph that ended before a layer counts there as running nothing.",
    "run/learning": "Means over the batch of sampled graphs that each step learned from.",
    "shared/gantt": "Full bars and bold names are the critical path. Hatched bars had slack, "
    "dotted to its end. The number behind a name is the layer; lines are where the next layer "
    "starts.",
}


def page(data: ReportData, charts: Sequence[Chart], recipe: Recipe) -> str:
    """The whole report; equal data give equal bytes."""
    run = data.run[0]
    sections = [
        section("Result", _result(data, charts)),
        section("Score against time and money", _figures(charts, "shared/frontier", run)),
        section("How long the critical paths are", _lengths(data, charts)),
        section("What the controller picks", _picks(data, charts)),
        section("Deadlines asked for and kept", _deadlines(data)),
        section("What the operators are worth", _worth(data)),
        section("Learning curves", _figures(charts, "run/learning", run)),
        section("Where the time goes", _time(data, charts)),
        section("Does CP_len tell seconds?", _seconds(data)),
        section("Where the money goes", _money(data)),
        section("Tried beside the champion", _tried(data)),
        section("Failures", tables.failures(data.failures) + source("run/failures", run)),
        section("Configuration and code", configuration(run)),
        section("How to reproduce", reproduce(run, recipe)),
    ]
    return whole_page(run, sections)


def verdict_of(data: ReportData) -> tuple[str, Verdict] | None:
    """The sentence on the promotion and its evidence; None for a run that decided none."""
    if not data.differences:
        return None
    first = data.differences[0]
    verdict = Verdict(
        differences=tuple(item.paired() for item in data.differences), margin=first.margin
    )
    promoted = first.decision == "promoted"
    text = f"{'Promoted' if promoted else 'Not promoted'}: {first.reason or verdict.reason()}"
    if verdict.holds and first.holds is not False and not promoted:
        text += ", but promotion was switched off (promotion.enabled=false)"
    return text, verdict


def _figures(charts: Sequence[Chart], query: str, run: RunFacts) -> str:
    return figures(charts, query, run, intro=_INTROS.get(query, ""))


def _result(data: ReportData, charts: Sequence[Chart]) -> str:
    run = data.run[0]
    parts: list[str] = []
    decided = verdict_of(data)
    if decided is not None:
        parts.append(f'<p class="verdict">{escape(decided[0])}.</p>')
    parts += [
        tables.headline(data),
        f'<p class="quiet">{escape(NOTE)}{"; all simulated" if run.simulated else ""}.</p>',
        source("run/headline", run),
    ]
    if decided is not None:
        first = data.differences[0]
        parts += [
            "<h3>Candidate against reference, problem by problem</h3>",
            f'<p class="quiet"><code>{escape(first.candidate)}</code> minus, or relative to, '
            f"<code>{escape(first.reference)}</code>; paired bootstrap over "
            f"{first.problems:,} problems. The rule: the score is lower by at most "
            f"{100 * first.margin:g} points, and CP_len or cost is lower, both with 95 % "
            "confidence; waiting is not longer, and no fixed graph is better.</p>",
            tables.differences(data.differences, own_time=not run.makespan_is_of_the_model),
            _figures(charts, "run/differences", run),
        ]
    return "\n".join(parts)


def _picks(data: ReportData, charts: Sequence[Chart]) -> str:
    run, key = data.run[0], data.subject.key
    parts = [_figures(charts, "shared/operator_mix", run)]
    by_category = picks_html([item for item in data.picks if item.key == key])
    if by_category:
        parts += [
            "<h3>By category</h3>",
            f'<p class="quiet">Of {escape(data.names[key])}, on the evaluated problems: shares of '
            "a category's problems.</p>",
            by_category,
            source("run/picks", run),
        ]
    gaps = [item for item in data.gaps_closed if item.key == key]
    if gaps:
        parts += [
            "<h3>What choosing brought</h3>",
            f'<p class="quiet">Score in %, below it CP_len, on problems that everyone finished. '
            f"Best fixed is {escape(gaps[0].best_fixed)}, the best of the fixed graphs evaluated; "
            "the oracle takes for each problem the best of them. Both are known only afterwards."
            "</p>",
            closed_html(gaps),
            source("run/gaps_closed", run),
        ]
    return "\n".join(filter(None, parts))


def _deadlines(data: ReportData) -> str:
    shown = deadlines_html(data.deadlines, data.names)
    if not shown:
        return ""
    return "\n".join(
        [
            '<p class="quiet">A deadline is a bound on the mean, over the evaluated problems that '
            "were finished; above it, % beside it is positive.</p>",
            shown,
            source("run/deadlines", data.run[0]),
        ]
    )


def _worth(data: ReportData) -> str:
    if not data.oracle_gaps:
        return ""
    run = data.run[0]
    return "\n".join(
        [
            '<p class="quiet">The outcome table of the training problems: score in %, below it '
            f"CP_len. Bold is the best fixed operator, {escape(data.oracle_gaps[0].best_fixed)}; "
            "the last column takes the best operator for each problem, at a tie the shortest.</p>",
            values_html(data.operator_values, data.oracle_gaps),
            source("run/operator_values", run),
            source("run/oracle_gaps", run),
        ]
    )


def _tried(data: ReportData) -> str:
    if not data.candidates:
        return ""
    return candidates_html(data.candidates) + source("run/candidates", data.run[0])


def _lengths(data: ReportData, charts: Sequence[Chart]) -> str:
    if not data.path_lengths:
        return ""
    run = data.run[0]
    return _figures(charts, "shared/cp_len", run) + source("run/path_lengths", run)


def _time(data: ReportData, charts: Sequence[Chart]) -> str:
    name = escape(data.names[data.subject.key])
    shown = [item for item in data.bottlenecks if item.key == data.subject.key]
    return "\n".join(
        [
            f'<p class="quiet">Of {name}, on the evaluated problems. Virtual time: output tokens '
            "plus γ tokens a tool second.</p>",
            _figures(charts, "shared/gantt", data.run[0]),
            "<h3>Bottlenecks</h3>",
            tables.bottlenecks(shown),
            '<p class="quiet">% of path: share of the summed critical paths; % slowest: how often '
            "its layer waited for it; p50 and p90: tokens of one run. Below "
            f"{100 * tables.LEAST_SHARE:g} % of the path is left out.</p>",
            source("shared/bottlenecks", data.run[0]),
        ]
    )


def _seconds(data: ReportData) -> str:
    run = data.run[0]
    if not data.proxy_rollouts:
        return ""
    pace = "" if run.makespan_is_of_the_model else f" {NO_WAIT}"
    return "\n".join(
        [
            '<p class="quiet">Correlation with measured wall-clock seconds; only rollouts without '
            f"replayed calls.{pace}</p>",
            proxy(data),
            source("run/proxy_rollouts", run),
            source("run/proxy_operators", run),
            "<h3>Fitted latency models</h3>",
            latency_models(data.latency_models),
            '<p class="quiet">On rollouts kept from the fit; in brackets the best line through '
            "CP_len.</p>",
            source("run/latency_models", run),
        ]
    )


def _money(data: ReportData) -> str:
    run = data.run[0]
    whole = (
        f"{run.cost_usd:.4f} USD{' (simulated: nothing was paid)' if run.simulated else ''} for "
        f"{run.attempts:,} calls, {run.input_tokens:,} tokens in and {run.output_tokens:,} out"
    )
    return f"<p>{whole}.</p>{tables.spending(data.spending)}{source('run/spending', run)}"
