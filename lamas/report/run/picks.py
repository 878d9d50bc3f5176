"""Which graphs a controller picks for which category, and what its choosing brought."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from lamas.report.rows import Key
from lamas.report.tables import bar, html_table

SHOWN = 4
"""Graphs with a column of their own, the most picked; the others share one."""
OTHERS = "others"
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


def dependence(picks: Sequence[Pick]) -> float:
    """How much one controller's choice depends on the category, in [0, 1].

    Of all problems the share that gets another graph than it would if every category got the mix of
    all: total variation distances, weighted by picks. 0 is the same mix for every category.
    """
    overall = {item.graph: item.share_of_all for item in picks}
    counts: dict[str | None, int] = {}
    for item in picks:
        counts[item.category] = counts.get(item.category, 0) + item.picks
    shares = {(item.category, item.graph): item.share for item in picks}
    return sum(
        count
        * sum(abs(shares.get((category, graph), 0.0) - share) for graph, share in overall.items())
        / 2.0
        for category, count in counts.items()
    ) / sum(counts.values())


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
    return (
        f"<p>{100 * dependence(picks):.0f} % of the problems get another graph than if every "
        "category got the mix of all.</p>" + html_table(headers, rows, minor=("picks",))
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
