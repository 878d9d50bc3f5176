"""The tables of a comparison's report, as HTML."""

import math
from html import escape

from lamas.report.comparison.estimates_table import (
    DIFFERENCES,
    VARIANTS,
    differences,
    variant_rows,
)
from lamas.report.comparison.records import ComparisonData
from lamas.report.rows import Expense
from lamas.report.run.tables import bottlenecks
from lamas.report.tables import bar, html_table

NOT_MEASURED = "not measured"
_GROUPS = {
    "trained": "trained controllers",
    "untrained": "untrained ones",
    "fixed graphs": "fixed graphs",
    "all": "all together",
}
_EXPENSES: dict[Expense, str] = {"cp_tokens": "score × CP_len", "cost_usd": "score × cost"}


def headline(data: ComparisonData) -> str:
    """Every variant with its intervals over seeds and problems, the highest score first."""
    numbers = data.numbers
    rows = [
        [
            f'<span class="quiet">{numbers[row[0]]}</span> {escape(row[0])}',
            *(escape(cell) for cell in row[1:-1]),
            NOT_MEASURED if row[-1] == "–" else escape(row[-1]),
        ]
        for row in variant_rows(data.estimates)
    ]
    return html_table(VARIANTS, rows, cards=True)


def pairs(data: ComparisonData) -> str:
    """Every configured difference with p-value, discordant problems and problems needed."""
    discordant = {(item.variant, item.reference): item for item in data.discordant}
    rows: list[list[str]] = []
    for item in differences(data.estimates):
        cells = [escape(cell) for cell in item.cells()]
        found = discordant.get((item.variant, item.reference))
        needed = item.problems_needed
        rows.append(
            [
                f"{cells[0]} − {cells[1]}",
                *cells[2:5],
                NOT_MEASURED if cells[5] == "–" else cells[5],
                _p_value(item.score.p_value),
                "–"
                if found is None
                else f"{found.only_variant} : {found.only_reference}, {_p_value(found.p_value)}",
                "–" if needed is None else f"{needed:,}",
            ]
        )
    timed = data.run[0].makespan_is_of_the_model
    headers = (
        "difference",
        *DIFFERENCES[2:5],
        DIFFERENCES[5] if timed else f"{DIFFERENCES[5]}, the machine's",
        "p of score",
        "right alone, p",
        "problems needed",
    )
    return html_table(headers, rows, cards=True)


def hypervolumes(data: ComparisonData) -> str:
    """What share of score × expense each group of policies reaches."""
    shares = {(item.policies, item.expense): item for item in data.hypervolume}
    rows = [
        [
            f"{words} ({first.variants})",
            *(
                bar(item.share) if (item := shares.get((group, expense))) else "–"
                for expense in _EXPENSES
            ),
        ]
        for group, words in _GROUPS.items()
        if (first := shares.get((group, "cp_tokens"))) is not None
    ]
    return html_table(("policies", *(f"{name}, %" for name in _EXPENSES.values())), rows)


def quantiles(data: ComparisonData) -> str:
    """CP_len of each variant in tokens."""
    order = data.numbers
    rows = [
        [
            escape(item.entrant),
            f"{item.mean:,.0f}",
            f"{item.p50:,.0f}",
            f"{item.p90:,.0f}",
            f"{item.p99:,.0f}",
            f"{item.longest:,.0f}",
            f"{item.rollouts:,}",
        ]
        for item in sorted(data.cp_len, key=lambda item: order.get(item.entrant, 0))
    ]
    headers = ("variant", "mean", "p50", "p90", "p99", "longest", "rollouts")
    return html_table(headers, rows, minor=("longest", "rollouts"))


def slow_operators(data: ComparisonData, variant: str) -> str:
    """Operators by what share of the variant's summed critical paths they took."""
    return bottlenecks([item for item in data.bottlenecks if item.entrant == variant])


def purposes(data: ComparisonData) -> str:
    """USD of each variant by purpose."""
    order = data.numbers
    sums = [item for item in data.spending if item.operator is None]
    sums.sort(key=lambda item: (order.get(item.variant, 0), item.purpose != "train"))
    rows = [
        [
            f"{escape(item.variant)}, {escape(item.purpose)}",
            f"{item.cost_usd:.4f}",
            f"{item.attempts:,}",
            f"{item.replayed_attempts:,}",
            f"{item.input_tokens:,}",
            f"{item.output_tokens:,}",
        ]
        for item in sums
    ]
    headers = ("variant, purpose", "USD", "calls", "from store", "tokens in", "tokens out")
    return html_table(headers, rows, minor=("from store", "tokens in"))


def operators_paid(data: ComparisonData, variant: str) -> str:
    """What the variant's evaluation cost, by operator, the dearest first."""
    items = [
        item
        for item in data.spending
        if item.variant == variant and item.operator is not None and item.purpose == "evaluate"
    ]
    items.sort(key=lambda item: (-item.cost_usd, item.operator or ""))
    total = math.fsum(item.cost_usd for item in items)
    rows = [
        [
            escape(item.operator or ""),
            bar(item.cost_usd / total if total else None),
            f"{item.cost_usd:.4f}",
            f"{item.attempts:,}",
        ]
        for item in items
    ]
    return html_table(("operator", "% of evaluation", "USD", "calls"), rows)


def overrides(data: ComparisonData) -> str:
    """What each variant has beyond the configuration that all share."""
    kinds = {item.entrant: item.kind for item in data.points}
    rows = [
        [
            escape(name),
            '<span class="prose">'
            + (
                "a fixed graph"
                if kinds[name] == "fixed"
                else "<br>".join(f"<code>{escape(item)}</code>" for item in data.overrides(name))
                or "the configuration as it is"
            )
            + "</span>",
        ]
        for name in data.numbers
    ]
    return html_table(("variant", "overrides"), rows)


def members(data: ComparisonData) -> str:
    """Every run of the comparison."""
    rows = [
        [
            f"{escape(item.variant)}, seed {item.training_seed}",
            f"<code>{escape(item.run_id)}</code>",
            escape(item.status),
            f"{item.updates:,}",
            f"{item.training_rollouts:,} + {item.evaluation_rollouts:,}",
            f"{item.failed_rollouts:,}",
            f"<code>{escape(item.config_digest[:12])}</code>",
        ]
        for item in data.members
    ]
    headers = (
        "variant, seed",
        "run",
        "status",
        "steps",
        "rollouts trained + evaluated",
        "failed",
        "configuration",
    )
    return html_table(headers, rows, cards=True)


def _p_value(value: float | None) -> str:
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
