"""A comparison as tables: every variant with intervals over seeds and problems, every verdict."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lamas.domain import ComparisonEstimate
from lamas.evaluation.sample_size import POWER, problems_for_continuous
from lamas.report.tables import markdown_table, terminal_table, with_interval
from lamas.report.terminal import table_console

VARIANTS = ("variant", "seeds", "problems", "score %", "CP_len", "USD/1000", "makespan s")
DIFFERENCES = ("variant", "against", "score, points", "CP_len %", "USD %", "makespan %", "verdict")
NOTE = (
    "95 % intervals over training seeds and problems (paired hierarchical bootstrap); CP_len in "
    "tokens; makespan where every call was really sent"
)
_WORDS = ("variant", "against", "verdict")
_UNITS = {"score": (100.0, 1), "cp_tokens": (1.0, 0), "cost_usd": (1000.0, 3)}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One variant against one reference, by metric."""

    variant: str
    reference: str
    by_metric: Mapping[str, ComparisonEstimate]

    @property
    def score(self) -> ComparisonEstimate:
        return self.by_metric["score_difference"]

    @property
    def verdict(self) -> str:
        """In words: what of score, CP_len and cost is sure."""
        parts = [f"score {self.score.verdict}"]
        for name, metric in (("CP_len", "cp_tokens"), ("cost", "cost_usd")):
            item = self.by_metric.get(f"{metric}_log_ratio")
            if item is None or item.low is None or item.high is None:
                continue
            if item.high < 0.0:
                parts.append(f"{name} lower")
            elif item.low > 0.0:
                parts.append(f"{name} higher")
            else:
                parts.append(f"{name} unclear")
        return ", ".join(parts)

    @property
    def problems_needed(self) -> int | None:
        """Problems that would show non-inferiority at the margin if the two were equally good.

        With as many seeds as there are; None where the difference does not vary.
        """
        error, margin = self.score.standard_error, self.score.margin
        if error is None or margin is None:
            return None
        deviation = error * math.sqrt(self.score.problems)
        return problems_for_continuous(margin=margin, standard_deviation=deviation, power=POWER)

    def cells(self) -> tuple[str, ...]:
        """One row of the table, in the order of DIFFERENCES."""
        return (
            self.variant,
            self.reference,
            _points(self.score),
            *(
                _per_cent(self.by_metric.get(f"{name}_log_ratio"))
                for name in ("cp_tokens", "cost_usd", "makespan_seconds")
            ),
            self.verdict,
        )


def differences(estimates: Sequence[ComparisonEstimate]) -> tuple[Difference, ...]:
    """The estimates between variants, grouped by pair in their order."""
    pairs = dict.fromkeys((item.variant, item.reference) for item in estimates if item.reference)
    return tuple(
        Difference(
            variant=variant,
            reference=reference,
            by_metric={
                item.metric: item
                for item in estimates
                if (item.variant, item.reference) == (variant, reference)
            },
        )
        for variant, reference in pairs
    )


def variant_rows(estimates: Sequence[ComparisonEstimate]) -> list[tuple[str, ...]]:
    """One row for each variant, the highest score first."""
    own: dict[str, dict[str, ComparisonEstimate]] = {}
    for item in estimates:
        if not item.reference:
            own.setdefault(item.variant, {})[item.metric] = item
    ordered = sorted(own.items(), key=lambda pair: -pair[1]["score"].value)
    return [
        (
            name,
            str(of["score"].seeds),
            str(of["score"].problems),
            *(with_interval(of.get(metric), *_UNITS[metric]) for metric in _UNITS),
            with_interval(of.get("makespan_seconds"), 1.0, 2),
        )
        for name, of in ordered
    ]


def print_comparison(estimates: Sequence[ComparisonEstimate], title: str) -> None:
    """Print variants, differences and what the sample allows to stdout."""
    console = table_console()
    console.print(terminal_table(title, VARIANTS, variant_rows(estimates), words={"variant"}))
    found = differences(estimates)
    if found:
        rows = [item.cells() for item in found]
        console.print(terminal_table("\nDifferences", DIFFERENCES, rows, words=_WORDS))
    console.print(NOTE, style="dim", highlight=False)
    for line in sample_size_lines(found):
        console.print(line, style="dim", highlight=False)


def sample_size_lines(found: Sequence[Difference]) -> list[str]:
    """How many problems the margin asks for, where the comparison has fewer."""
    return [
        f"{item.variant} against {item.reference}: {needed} problems (here {item.score.problems}) "
        f"would show a score within {100 * (item.score.margin or 0):g} points with "
        f"{100 * POWER:.0f} % power"
        for item in found
        if (needed := item.problems_needed) is not None and needed > item.score.problems
    ]


def markdown(estimates: Sequence[ComparisonEstimate], title: str) -> str:
    """The same tables for a Prefect artifact."""
    lines = [f"# {title}", "", *markdown_table(VARIANTS, variant_rows(estimates)), ""]
    found = differences(estimates)
    if found:
        lines += ["## Differences", "", *markdown_table(DIFFERENCES, [i.cells() for i in found])]
    return "\n".join([*lines, "", NOTE, *(f"- {line}" for line in sample_size_lines(found))])


def _points(item: ComparisonEstimate) -> str:
    ends = (100 * end for end in (item.low, item.high) if end is not None)
    return _signed(100 * item.value, *ends)


def _per_cent(item: ComparisonEstimate | None) -> str:
    if item is None:
        return "–"
    ends = (100 * math.expm1(end) for end in (item.low, item.high) if end is not None)
    return _signed(100 * math.expm1(item.value), *ends)


def _signed(value: float, *ends: float) -> str:
    text = f"{value:+.1f}"
    return f"{text} [{ends[0]:+.1f}, {ends[1]:+.1f}]" if len(ends) == 2 else text
