"""The report of a comparison or a sweep as one HTML page that needs nothing beside itself."""

from collections.abc import Sequence
from html import escape

from lamas.evaluation.sample_size import POWER
from lamas.report.chart import Chart
from lamas.report.comparison import tables
from lamas.report.comparison.claims import RULE, Claim, claims
from lamas.report.comparison.estimates_table import NOTE, differences
from lamas.report.comparison.records import ComparisonData
from lamas.report.html import (
    Recipe,
    configuration,
    figures,
    reproduce,
    row_of,
    section,
    source,
    whole_page,
)

_FRONTIER = (
    "Circles are trained controllers, diamonds untrained ones, squares fixed graphs; bars are 95 % "
    "intervals over seeds and problems, cut at the frame. A hollow mark is dominated: another "
    "variant is nowhere worse in score, cost and CP_len, and somewhere better."
)
_GANTT = (
    "Full bars and bold names are the critical path. Hatched bars had slack, dotted to its end. "
    "The number behind a name is the layer; lines are where the next layer starts. All on one "
    "scale."
)
_MIX = (
    "Shares of rollouts: · is none, bold is half or more. Before training is the batch of the "
    "first training step, on training problems; as evaluated is on the held-out ones."
)
_LEARNING = (
    "The line is the mean over training seeds, the band reaches from the lowest to the highest."
)


def comparison_page(data: ComparisonData, charts: Sequence[Chart], recipe: Recipe) -> str:
    """The whole page; equal data give equal bytes."""
    run = data.run[0]
    return whole_page(
        run,
        [
            section("Result", _result(data)),
            section("Claims", _claims(data)),
            section("Score against time and money", _frontier(data, charts)),
            section("One key at a time", _swept(data, charts)),
            section(
                "How long the critical paths are",
                figures(charts, "shared/cp_len", run) + tables.quantiles(data),
            ),
            section("What the variants pick", _mixes(data, charts)),
            section(
                "Learning curves", figures(charts, "comparison/learning", run, intro=_LEARNING)
            ),
            section("Where the time goes", _time(data, charts)),
            section("Where the money goes", _money(data)),
            section("Variants", tables.overrides(data)),
            section("Configuration and code", configuration(run)),
            section(
                "Runs",
                f"<details><summary>{len(data.members)} runs</summary>{tables.members(data)}"
                f"</details>{source('comparison/members', run)}",
            ),
            section("How to reproduce", reproduce(run, recipe)),
        ],
    )


def _result(data: ComparisonData) -> str:
    run = data.run[0]
    return "\n".join(
        [
            tables.headline(data),
            f'<p class="quiet">{escape(NOTE)}{"; all simulated" if run.simulated else ""}.'
            f"{_unmeasured(data)}</p>",
            source("comparison/variants", run),
        ]
    )


def _unmeasured(data: ComparisonData) -> str:
    timed = {item.variant for item in data.variants if item.metric == "makespan_seconds"}
    words = ""
    if timed != set(data.numbers):
        words = (
            " Makespan is not measured where answers came from the response store "
            "(<code>llm.reuse_responses</code>): a replayed call takes no time."
        )
    if timed and not data.run[0].makespan_is_of_the_model:
        words += " The seconds shown are the machine's own: the simulated model did not wait."
    return words


def _claims(data: ComparisonData) -> str:
    found = claims(data.estimates, timed=data.run[0].makespan_is_of_the_model)
    if not found:
        return ""
    run, pairs = data.run[0], differences(data.estimates)
    margin = pairs[0].score.margin or 0.0
    kept = sum(item.holds for item in found)
    return "\n".join(
        [
            f"<p>{escape(RULE)}. The margin of {100 * margin:g} points was fixed before the run "
            f"(<code>comparison.margin</code>). Of {len(found)} claims {kept} "
            f"{'holds' if kept == 1 else 'hold'}.</p>",
            f'<ul class="claims">{"".join(_item(item) for item in found)}</ul>',
            "<h3>The differences</h3>",
            tables.pairs(data),
            '<p class="quiet">Score in points, the rest in per cent; 95 % intervals. '
            "p of score: two-sided, that the two score the same. Right alone: problems that only "
            "the first, and only the second, solved on the first training seed, with McNemar's "
            f"mid-p. Problems needed: to show the margin with {100 * POWER:.0f} % power and these "
            "seeds if both are equally good.</p>",
            source("comparison/differences", run),
            source("comparison/discordant", run),
        ]
    )


def _item(item: Claim) -> str:
    return (
        f"<li><strong>{escape(item.variant)} against {escape(item.reference)}: {item.verdict}."
        f"</strong> {escape(item.sentence)}</li>"
    )


def _frontier(data: ComparisonData, charts: Sequence[Chart]) -> str:
    run = data.run[0]
    return "\n".join(
        [
            figures(charts, "shared/frontier", run, intro=_FRONTIER),
            "<h3>Hypervolume</h3>",
            tables.hypervolumes(data),
            '<p class="quiet">Share of the rectangle from score 0 to 1 and from no expense to the '
            "largest mean of any variant that the group's means dominate; in brackets how many "
            "variants it has. More variants reach more.</p>",
            source("comparison/hypervolume", run),
        ]
    )


def _swept(data: ComparisonData, charts: Sequence[Chart]) -> str:
    shown = [chart for chart in charts if chart.query == "shared/frontier/swept"]
    if not shown:
        return ""
    return row_of(shown) + source("shared/frontier", data.run[0])


def _mixes(data: ComparisonData, charts: Sequence[Chart]) -> str:
    every = [chart for chart in charts if chart.query == "shared/operator_mix"]
    if not every:
        return ""
    first = tuple(f"operator-mix-{data.numbers[name]}-" for name in data.shown)
    opened = [chart for chart in every if chart.name.startswith(first)]
    others = [chart for chart in every if chart not in opened]
    rest = (
        f"<details><summary>The other variants</summary>{row_of(others)}</details>"
        if others
        else ""
    )
    return (
        f'<p class="quiet">{_MIX}</p>{row_of(opened)}{rest}'
        f"{source('shared/operator_mix', data.run[0])}"
    )


def _time(data: ComparisonData, charts: Sequence[Chart]) -> str:
    run = data.run[0]
    names = [escape(name) for name in data.shown]
    second = (
        f" and of {names[1]}, the trained variant with the longest critical paths"
        if len(names) > 1
        else ""
    )
    return "\n".join(
        [
            f'<p class="quiet">Of {names[0]}{second}, on the evaluated problems. Virtual time: '
            "output tokens plus γ tokens a tool second.</p>",
            figures(charts, "shared/gantt", run, intro=_GANTT),
            "<h3>Bottlenecks</h3>",
            *(f"<h4>{escape(name)}</h4>{tables.slow_operators(data, name)}" for name in data.shown),
            '<p class="quiet">% of path: share of the summed critical paths; % slowest: how often '
            "its layer waited for it; p50 and p90: tokens of one run.</p>",
            _folded(
                "Bottlenecks of the other variants",
                [
                    f"<h4>{escape(name)}</h4>{tables.slow_operators(data, name)}"
                    for name in data.numbers
                    if name not in data.shown
                ],
            ),
            source("shared/bottlenecks", run),
        ]
    )


def _money(data: ComparisonData) -> str:
    run = data.run[0]
    whole = (
        f"{run.cost_usd:.4f} USD{' (simulated: nothing was paid)' if run.simulated else ''} for "
        f"{run.attempts:,} calls, {run.replayed_attempts:,} of them answered from the response "
        f"store and counted at what the first asking cost; "
        f"{run.input_tokens:,} tokens in and {run.output_tokens:,} out"
    )
    return "\n".join(
        [
            f"<p>{whole}.</p>",
            tables.purposes(data),
            _folded(
                "The evaluation of each variant, by operator",
                [
                    f"<h4>{escape(name)}</h4>{tables.operators_paid(data, name)}"
                    for name in data.numbers
                ],
            ),
            source("comparison/spending", run),
        ]
    )


def _folded(summary: str, parts: Sequence[str]) -> str:
    if not parts:
        return ""
    return f"<details><summary>{summary}</summary>{''.join(parts)}</details>"
