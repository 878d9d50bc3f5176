"""The report as one HTML page that needs nothing beside itself."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template

from flows.report import tables
from flows.report.charts import Chart
from flows.report.proxy import latency_models, proxy
from flows.report.records import ReportData, RunFacts
from flows.report.reproduce import command, overrides_for, resolves_to
from flows.report.style import svg
from flows.standings import NOTE
from flows.verdict import Verdict

_INTROS = {
    "frontier": "Bars are 95 % intervals. A hollow mark is dominated: another policy is nowhere "
    "worse in score, cost and CP_len, and somewhere better.",
    "operator_mix": "Shares of the rollouts on the evaluated problems: · is none, bold is half or "
    "more. A graph that ended before a layer counts there as running nothing.",
    "learning": "Means over the batch of sampled graphs that each step learned from.",
    "gantt": "Full bars and bold names are the critical path. Hatched bars had slack, dotted to "
    "its end. The number behind a name is the layer; lines are where the next layer starts.",
}
_NO_WAIT = "It does not wait, so makespan is the machine's own time and says nothing of a model's."
_TEMPLATE = Path(__file__).with_name("page.html")


def page(data: ReportData, charts: Sequence[Chart]) -> str:
    """The whole report; equal data give equal bytes."""
    run = data.run[0]
    sections = [
        _section("Result", _result(data, charts)),
        _section("Score against time and money", _figures(charts, "frontier", run)),
        _section("How long the critical paths are", _figures(charts, "cp_len", run)),
        _section("What the controller picks", _figures(charts, "operator_mix", run)),
        _section("Learning curves", _figures(charts, "learning", run)),
        _section("Where the time goes", _time(data, charts)),
        _section("Does CP_len tell seconds?", _seconds(data)),
        _section("Where the money goes", _money(data)),
        _section("Failures", tables.failures(data.failures) + _source("failures", run)),
        _section("Configuration and code", _configuration(run)),
        _section("How to reproduce", _reproduce(run)),
    ]
    return Template(_TEMPLATE.read_text("utf-8")).substitute(
        run_id=escape(run.run_id),
        title=escape(_title(run)),
        banner=_banner(run),
        body="\n".join(section for section in sections if section),
    )


def verdict_of(data: ReportData) -> tuple[str, Verdict] | None:
    """The sentence on the promotion and its evidence; None for a run that decided none."""
    if not data.differences:
        return None
    first = data.differences[0]
    verdict = Verdict(
        differences=tuple(item.paired() for item in data.differences), margin=first.margin
    )
    promoted = first.decision == "promoted"
    text = f"{'Promoted' if promoted else 'Not promoted'}: {verdict.reason()}"
    if verdict.holds and not promoted:
        text += ", but promotion was switched off (promotion.enabled=false)"
    return text, verdict


def _title(run: RunFacts) -> str:
    return f"{run.kind} {run.run_id.removeprefix(f'{run.kind}-')} on {run.benchmark}"


def _banner(run: RunFacts) -> str:
    started = datetime.fromtimestamp(run.started_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    took = "" if run.seconds is None else f", {run.seconds:,.0f} s"
    parts = [
        f'<p class="quiet">{started}{took} · {run.problems:,} problems · '
        f"{run.rollouts:,} rollouts · {run.updates:,} updates · {run.cost_usd:.4f} "
        f"{'simulated ' if run.simulated else ''}USD · seed {run.seed}</p>"
    ]
    pace = "" if run.makespan_is_of_the_model else f" {_NO_WAIT}"
    if run.simulated:
        parts.append(
            '<p class="simulated"><strong>Simulated model.</strong> Every answer, token count and '
            "price below comes from the simulated endpoint, not from a language model."
            f"{pace}</p>"
        )
    if run.status != "completed":
        why = f": {escape(run.error)}" if run.error else ""
        parts.append(
            f'<p class="simulated"><strong>This run is {run.status}</strong>{why}. '
            "The report shows what it had stored.</p>"
        )
    return "\n".join(parts)


def _section(title: str, content: str) -> str:
    return f"<section>\n<h2>{title}</h2>\n{content}\n</section>" if content else ""


def _figures(charts: Sequence[Chart], query: str, run: RunFacts) -> str:
    shown = [chart for chart in charts if chart.query == query]
    if not shown:
        return ""
    intro = f'<p class="quiet">{_INTROS[query]}</p>' if query in _INTROS else ""
    figures = "\n".join(
        f"<figure>{svg(chart.figure, chart.name, chart.caption)}"
        f"<figcaption>{escape(chart.caption)}</figcaption></figure>"
        for chart in shown
    )
    return f'{intro}\n<div class="charts">\n{figures}\n</div>\n{_source(query, run)}'


def _source(query: str, run: RunFacts) -> str:
    file = f"warehouse/queries/report_{query}.sql"
    return (
        '<p class="source">Recomputed by '
        f"<code>lamas sql --file {file} run={escape(run.run_id)}</code></p>"
    )


def _result(data: ReportData, charts: Sequence[Chart]) -> str:
    run = data.run[0]
    parts: list[str] = []
    decided = verdict_of(data)
    if decided is not None:
        parts.append(f'<p class="verdict">{escape(decided[0])}.</p>')
    parts += [
        tables.headline(data),
        f'<p class="quiet">{escape(NOTE)}{"; all simulated" if run.simulated else ""}.</p>',
        _source("headline", run),
    ]
    if decided is not None:
        first = data.differences[0]
        parts += [
            "<h3>Candidate against reference, problem by problem</h3>",
            f'<p class="quiet"><code>{escape(first.candidate)}</code> minus, or relative to, '
            f"<code>{escape(first.reference)}</code>; paired bootstrap over "
            f"{first.problems:,} problems. The rule: the score is lower by at most "
            f"{100 * first.margin:g} points, and CP_len or cost is lower, both with 95 % "
            "confidence.</p>",
            tables.differences(data.differences, own_time=not run.makespan_is_of_the_model),
            _figures(charts, "differences", run),
        ]
    return "\n".join(parts)


def _time(data: ReportData, charts: Sequence[Chart]) -> str:
    name = escape(data.names[data.subject.key])
    shown = [
        item for item in data.bottlenecks if (item.policy, item.checkpoint_id) == data.subject.key
    ]
    return "\n".join(
        [
            f'<p class="quiet">Of {name}, on the evaluated problems. Virtual time: output tokens '
            "plus γ tokens a tool second.</p>",
            _figures(charts, "gantt", data.run[0]),
            "<h3>Bottlenecks</h3>",
            tables.bottlenecks(shown),
            '<p class="quiet">% of path: share of the summed critical paths; % slowest: how often '
            "its layer waited for it; p50 and p90: tokens of one run. Below "
            f"{100 * tables.LEAST_SHARE:g} % of the path is left out.</p>",
            _source("bottlenecks", data.run[0]),
        ]
    )


def _seconds(data: ReportData) -> str:
    run = data.run[0]
    if not data.proxy_rollouts:
        return ""
    pace = "" if run.makespan_is_of_the_model else f" {_NO_WAIT}"
    return "\n".join(
        [
            '<p class="quiet">Correlation with measured wall-clock seconds; only rollouts without '
            f"replayed calls.{pace}</p>",
            proxy(data),
            _source("proxy_rollouts", run),
            _source("proxy_operators", run),
            "<h3>Fitted latency models</h3>",
            latency_models(data.latency_models),
            '<p class="quiet">On rollouts kept from the fit; in brackets the best line through '
            "CP_len.</p>",
            _source("latency_models", run),
        ]
    )


def _money(data: ReportData) -> str:
    run = data.run[0]
    whole = (
        f"{run.cost_usd:.4f} USD{' (simulated: nothing was paid)' if run.simulated else ''} for "
        f"{run.attempts:,} calls, {run.input_tokens:,} tokens in and {run.output_tokens:,} out"
    )
    return f"<p>{whole}.</p>{tables.spending(data.spending)}{_source('spending', run)}"


def _configuration(run: RunFacts) -> str:
    version = run.benchmark_version
    facts = {
        "code": f"<code>{escape(run.code_version)}</code>",
        "configuration": f"<code>{escape(run.config_digest)}</code>",
        "prompts": f"<code>{escape(run.prompts_digest) or 'not recorded'}</code>",
        "benchmark": f"{escape(run.benchmark or 'none')} <code>{escape(version or '')}</code>",
        "seed": str(run.seed),
    }
    resolved = json.dumps(json.loads(run.config_json), indent=2, ensure_ascii=False)
    return (
        f"{tables.facts(facts)}<details><summary>Full configuration</summary>"
        f"<pre>{escape(resolved)}</pre></details>"
    )


def _reproduce(run: RunFacts) -> str:
    overrides = overrides_for(run.config_json)
    commit = run.code_version.partition("+")[2]
    lines = [f"git checkout {commit}"] if commit else []
    lines += [command(run.kind, overrides), "lamas report"]
    note = (
        "The command resolves to the configuration above, key by key."
        if resolves_to(overrides, run.config_json)
        else "The configuration has changed since: check out the version above first, where keys "
        "that no longer exist still do."
    )
    return (
        f"<pre>{escape(chr(10).join(lines))}</pre><p>{note} Add <code>home=FOLDER</code> for a "
        "folder of its own.</p>"
    )
