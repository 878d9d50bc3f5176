"""Which graphs a controller picks for which category, and what its choosing brought."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from lamas.report.rows import Key
from lamas.report.tables import bar, html_table

SHOWN = 4
"""Graphs with a column of their own, the most picked; the others share one."""
OTHERS = "others"
DEALS = 100
"""Random deals behind what is said of chance."""
NO_CATEGORY = "(no category)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pick:
    """One graph, as often as a controller picked it for problems of one category."""

    policy: str
    checkpoint_id: str | None
    category: str | None
    graph: str
    picks: int
    share: float
    """Of the problems of the category."""
    share_of_all: float

    @property
    def key(self) -> Key:
        return self.policy, self.checkpoint_id


@dataclass(frozen=True, kw_only=True, slots=True)
class GapClosed:
    """One controller between the best fixed graph and the oracle over the fixed graphs."""

    policy: str
    checkpoint_id: str | None
    category: str | None
    """None: all problems."""
    problems: int
    best_fixed: str
    score: float
    fixed_score: float
    oracle_score: float
    cp_tokens: float
    fixed_cp_tokens: float
    oracle_cp_tokens: float
    closed: float | None
    """None where the oracle is no better than the best fixed graph."""

    @property
    def key(self) -> Key:
        return self.policy, self.checkpoint_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Dependence:
    """How much one controller's choice depends on the category, as shares of all problems."""

    share: float
    """Of the problems that get another graph than if every category got the mix of all: total
    variation distances, weighted by picks. 0 is the same mix for every category."""
    by_chance: float
    """The mean of the same where categories are dealt out at random: few problems of a category
    differ from the mix of all anyhow."""


def dependence(picks: Sequence[Pick]) -> Dependence:
    """Of one controller's picks, at least one; equal picks give equal figures."""
    categories = sorted({item.category or "" for item in picks})
    graphs = sorted({item.graph for item in picks})
    counts = [item.picks for item in picks]
    category = np.repeat([categories.index(item.category or "") for item in picks], counts)
    graph = np.repeat([graphs.index(item.graph) for item in picks], counts)
    shape = (len(categories), len(graphs))
    random = np.random.Generator(np.random.Philox(key=0))
    return Dependence(
        share=_moved(category, graph, shape),
        by_chance=float(
            np.mean([_moved(random.permutation(category), graph, shape) for _ in range(DEALS)])
        ),
    )


def _moved(category: NDArray[np.int64], graph: NDArray[np.int64], shape: tuple[int, int]) -> float:
    counts = np.bincount(category * shape[1] + graph, minlength=shape[0] * shape[1])
    table = counts.reshape(shape).astype(np.float64)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / len(graph)
    return float(np.abs(table - expected).sum() / 2.0 / len(graph))


def picks_html(picks: Sequence[Pick]) -> str:
    """One controller's shares: categories by graphs; nothing where no category is known."""
    categories = list(dict.fromkeys(item.category for item in picks))
    if not any(categories):
        return ""
    overall = dict(sorted({item.graph: item.share_of_all for item in picks}.items(), key=_order))
    shown = list(overall)[:SHOWN]
    if len(overall) == 1:
        return f"<p>One graph for every problem of every category: {escape(shown[0])}.</p>"
    others = [graph for graph in overall if graph not in shown]
    shares = {(item.category, item.graph): item.share for item in picks}
    rows = [
        _row("<strong>all</strong>", sum(item.picks for item in picks), overall, shown, others),
        *(
            _row(
                escape(category or NO_CATEGORY),
                sum(item.picks for item in picks if item.category == category),
                {graph: shares.get((category, graph), 0.0) for graph in overall},
                shown,
                others,
            )
            for category in categories
        ),
    ]
    headers = ("category", "picks", *shown, *([OTHERS] if others else []))
    found = dependence(picks)
    return (
        f"<p>{100 * found.share:.0f} % of the problems get another graph than if every category "
        f"got the mix of all; by chance it would be {100 * found.by_chance:.0f} %.</p>"
        + html_table(headers, rows, cards=True, minor=("picks",))
    )


def closed_html(gaps: Sequence[GapClosed]) -> str:
    """One controller's way from the best fixed graph to the oracle, in all and by category."""
    rows = [
        [
            "<strong>all</strong>" if item.category is None else escape(item.category),
            str(item.problems),
            *(
                f"{100 * score:.1f}<br><small>{tokens:.0f}</small>"
                for score, tokens in (
                    (item.fixed_score, item.fixed_cp_tokens),
                    (item.score, item.cp_tokens),
                    (item.oracle_score, item.oracle_cp_tokens),
                )
            ),
            "–" if item.closed is None else f"{100 * item.closed:.0f}",
        ]
        for item in gaps
    ]
    headers = ("category", "problems", "best fixed", "controller", "oracle", "% closed")
    return html_table(headers, rows, minor=("problems",))


def _order(item: tuple[str, float]) -> tuple[float, str]:
    return -item[1], item[0]


def _row(
    name: str,
    count: int,
    shares: dict[str, float],
    shown: Sequence[str],
    others: Sequence[str],
) -> list[str]:
    cells = [bar(shares[graph]) for graph in shown]
    rest = [bar(sum(shares[graph] for graph in others))] if others else []
    return [name, str(count), *cells, *rest]
