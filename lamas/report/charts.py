"""Charts that the reports of a run and of a comparison have alike: of what entrants do."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from matplotlib.figure import Figure

from lamas.report.chart import Chart
from lamas.report.gantt import gantt
from lamas.report.operator_mix import operator_mix
from lamas.report.rows import ExampleBar, Expense, Key, LayerShare, Moment, RunFacts

EXPENSES: dict[Expense, str] = {"cp_tokens": "CP_len", "cost_usd": "cost"}
_EXAMPLES = {"typical": "a typical rollout (median CP_len)", "worst": "the worst"}


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One entrant's share of the operators, at one moment."""

    key: Key
    moment: Moment
    name: str
    """The end of the chart's name."""
    title: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One entrant whose example rollouts are drawn."""

    key: Key
    name: str = ""
    """Told in the caption; empty where there is no second subject."""
    number: int | None = None
    """In the chart's name."""
    label: str = ""
    """In the title."""


def frontiers(
    draw: Callable[[Expense], Figure], best_for: Mapping[Expense, str]
) -> Iterator[Chart]:
    """Score over each expense; `best_for`: what the joined ones are the best for."""
    for expense, name in EXPENSES.items():
        yield Chart(
            name=f"score-over-{file_name(name)}",
            query="shared/frontier",
            caption=f"Score over {name}; the line joins the best scores for their "
            f"{best_for[expense]}.",
            figure=draw(expense),
        )


def mixes(shares: Sequence[LayerShare], panels: Iterable[Panel], run: RunFacts) -> Iterator[Chart]:
    """A grid a panel, all of the same operators and layers; none where nothing was decided."""
    operators = in_catalogue_order({item.operator for item in shares}, run)
    layers = max((item.layer for item in shares), default=0)
    for panel in panels:
        shown = [item for item in shares if (item.key, item.moment) == (panel.key, panel.moment)]
        if shown:
            yield Chart(
                name=f"operator-mix-{panel.name}",
                query="shared/operator_mix",
                caption=panel.caption,
                figure=operator_mix(shown, operators, layers, panel.title),
            )


def examples(bars: Sequence[ExampleBar], subjects: Sequence[Subject]) -> Iterator[Chart]:
    """A typical and the worst rollout of each subject, all on one scale."""
    keys = {subject.key for subject in subjects}
    longest = max((bar.rollout_cp_tokens for bar in bars if bar.key in keys), default=0.0)
    for subject in subjects:
        for example, words in _EXAMPLES.items():
            shown = [bar for bar in bars if (bar.key, bar.example) == (subject.key, example)]
            if shown:
                number = "" if subject.number is None else f"{subject.number}-"
                title = f"{subject.label}\n{example}" if subject.label else example
                whose = f"{subject.name}, {words}" if subject.name else words[0].upper() + words[1:]
                yield Chart(
                    name=f"gantt-{number}{example}",
                    query="shared/gantt",
                    caption=f"{whose}: {_figures(shown[0])}",
                    figure=gantt(shown, title=title, axis_tokens=longest or 1.0),
                )


def in_catalogue_order(operators: Collection[str], run: RunFacts) -> list[str]:
    """The operators as the run's configuration lists them; unlisted ones last, by name."""
    config: dict[str, dict[str, object]] = json.loads(run.config_json)
    enabled = config.get("operators", {}).get("enabled")
    listed = [str(name) for name in cast("list[object]", enabled or [])]
    known = [name for name in listed if name in operators]
    return known + sorted(set(operators) - set(known))


def file_name(name: str) -> str:
    """As the name of a chart spells it."""
    return name.lower().replace("_", "-")


def _figures(bar: ExampleBar) -> str:
    seed = "" if bar.training_seed is None else f"seed {bar.training_seed}, "
    return (
        f"CP_len {bar.rollout_cp_tokens:,.0f} tokens, score {bar.score:g}, {seed}"
        f"problem {bar.problem_id}"
    )
