"""Parts of a page that the reports of a run and of a comparison have in common, as HTML."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template

from lamas.report.chart import Chart
from lamas.report.rows import RunFacts
from lamas.report.style import svg
from lamas.report.tables import facts

NO_WAIT = "It does not wait, so makespan is the machine's own time and says nothing of a model's."
_TEMPLATE = Path(__file__).with_name("page.html")


def whole_page(run: RunFacts, sections: Sequence[str], *, lead: str | None = None) -> str:
    """The page of a run; sections without content are left out.

    `lead` stands in place of the banner that says what models answered.
    """
    return Template(_TEMPLATE.read_text("utf-8")).substitute(
        run_id=escape(run.run_id),
        title=escape(title(run)),
        banner=banner(run) if lead is None else lead,
        body="\n".join(section for section in sections if section),
    )


def title(run: RunFacts) -> str:
    """As a person names the run."""
    of = f" on {run.benchmark}" if run.benchmark else ""
    return f"{run.kind} {run.run_id.removeprefix(f'{run.kind}-')}{of}"


def banner(run: RunFacts) -> str:
    """When it ran, how much it was, and what a reader must know first."""
    started = datetime.fromtimestamp(run.started_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    took = "" if run.seconds is None else f", {run.seconds:,.0f} s"
    parts = [
        f'<p class="quiet">{started}{took} · {run.problems:,} problems · '
        f"{run.rollouts:,} rollouts · {run.updates:,} updates · {run.cost_usd:.4f} "
        f"{'simulated ' if run.simulated else ''}USD · seed {run.seed}</p>"
    ]
    pace = "" if run.makespan_is_of_the_model else f" {NO_WAIT}"
    if run.simulated:
        parts.append(
            '<p class="simulated"><strong>Simulated model.</strong> Every answer, token count and '
            "price below comes from the simulated endpoint, not from a language model."
            f"{pace}</p>"
        )
    if run.assumptions:
        parts.append(f'<p class="simulated">{escape(run.assumptions)}</p>')
    if run.status != "completed":
        why = f": {escape(run.error)}" if run.error else ""
        parts.append(
            f'<p class="simulated"><strong>This run is {run.status}</strong>{why}. '
            "The report shows what it had stored.</p>"
        )
    return "\n".join(parts)


def section(heading: str, content: str) -> str:
    """A part under its heading; nothing without content."""
    return f"<section>\n<h2>{heading}</h2>\n{content}\n</section>" if content else ""


def figures(charts: Sequence[Chart], query: str, run: RunFacts, *, intro: str = "") -> str:
    """The charts of one query with what explains them and what repeats them; nothing without."""
    shown = [chart for chart in charts if chart.query == query]
    if not shown:
        return ""
    words = f'<p class="quiet">{intro}</p>' if intro else ""
    return f"{words}\n{row_of(shown)}\n{source(query, run)}"


def row_of(charts: Sequence[Chart]) -> str:
    """Charts side by side where there is room."""
    drawn = "\n".join(
        f"<figure>{svg(chart.figure, chart.name, chart.caption)}"
        f"<figcaption>{escape(chart.caption)}</figcaption></figure>"
        for chart in charts
    )
    return f'<div class="charts">\n{drawn}\n</div>'


def source(query: str, run: RunFacts) -> str:
    """The command that repeats the figures above; `query` as in a `Chart`."""
    file = f"warehouse/reports/{query}.sql"
    return (
        '<p class="source">Recomputed by '
        f"<code>lamas sql --file {file} run={escape(run.run_id)}</code></p>"
    )


def configuration(run: RunFacts) -> str:
    """Versions, digests and the whole configuration."""
    version = run.benchmark_version
    known = {
        "code": f"<code>{escape(run.code_version)}</code>",
        "configuration": f"<code>{escape(run.config_digest)}</code>",
        "prompts": f"<code>{escape(run.prompts_digest) or 'not recorded'}</code>",
        "benchmark": f"{escape(run.benchmark or 'none')} <code>{escape(version or '')}</code>",
        "seed": str(run.seed),
    }
    resolved = json.dumps(json.loads(run.config_json), indent=2, ensure_ascii=False)
    return (
        f"{facts(known)}<details><summary>Full configuration</summary>"
        f"<pre>{escape(resolved)}</pre></details>"
    )


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a run is made again."""

    command: str
    """As a shell takes it."""
    resolves: bool
    """Whether today's configuration leads to the stored one by it."""


def reproduce(run: RunFacts, recipe: Recipe) -> str:
    """The commands that make the run again."""
    commit = run.code_version.partition("+")[2]
    lines = [f"git checkout {commit}"] if commit else []
    lines += [recipe.command, "lamas report"]
    note = (
        "The command resolves to the configuration above, key by key."
        if recipe.resolves
        else "The configuration has changed since: check out the version above first, where keys "
        "that no longer exist still do."
    )
    return (
        f"<pre>{escape(chr(10).join(lines))}</pre><p>{note} Add <code>home=FOLDER</code> for a "
        "folder of its own.</p>"
    )
