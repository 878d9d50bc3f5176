"""What a candidate would have brought on served requests, beside the champion, as tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from itertools import groupby

from pydantic import TypeAdapter

from lamas.evaluation.doubly_robust import TrialOutcome, Who, doubly_robust
from lamas.report.tables import html_table, terminal_table, with_interval
from lamas.report.terminal import table_console

HEADERS = ("what", "champion", "candidate", "candidate − champion")
SHOWN: Mapping[str, tuple[str, float, int]] = {
    "score": ("score %", 100.0, 1),
    "cp_tokens": ("CP_len", 1.0, 0),
    "cost_usd": ("USD/1000", 1000.0, 3),
    "makespan_seconds": ("seconds", 1.0, 2),
}
"""Heading, factor and digits of each metric."""
NOTE = (
    "doubly robust means over requests with 95 % intervals; no interval where too few were "
    "decided by one of the two. The score is that of requests somebody gave a score to"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CandidateEstimate:
    """One metric of one policy; a row of the view `candidate_estimates`."""

    champion_id: str
    candidate_id: str
    metric: str
    policy: Who
    value: float
    standard_error: float
    low: float | None
    high: float | None
    requests: int
    agreed: int
    by_candidate: int
    by_champion: int

    @property
    def pair(self) -> tuple[str, str]:
        return self.champion_id, self.candidate_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One request on which both decided; a row of the view `trial_outcomes`."""

    champion_id: str
    candidate_id: str
    candidate_share: float
    by_candidate: bool
    champion_graph: str
    candidate_graph: str
    answered: bool | None
    score: float | None
    cp_tokens: float | None
    cost_usd: float | None
    makespan_seconds: float | None


_OUTCOMES = TypeAdapter(list[Outcome])


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """A candidate beside a champion."""

    champion_id: str
    candidate_id: str
    requests: int
    agreed: int
    """On which both decided on the same graph."""
    shared: int
    """On which the candidate might have been drawn to decide."""
    estimates: tuple[CandidateEstimate, ...]

    def sentence(self) -> str:
        """How much of the traffic the two decided alike, and what follows for estimates."""
        text = (
            f"{self.candidate_id} beside {self.champion_id}: {self.requests} requests, the same "
            f"graph on {100 * self.agreed / self.requests:.1f} % of them"
        )
        if not self.shared:
            text += "; in shadow it decided none, so nothing can be estimated"
        return text


def tried(rows: Iterable[Mapping[str, object]]) -> tuple[Tried, ...]:
    """Every pair of the rows of `trial_outcomes`, with its estimates."""
    outcomes = sorted(
        _OUTCOMES.validate_python(list(rows)),
        key=lambda item: (item.champion_id, item.candidate_id),
    )
    made: list[Tried] = []
    for pair, group in groupby(outcomes, lambda item: (item.champion_id, item.candidate_id)):
        of_pair = list(group)
        shared = [item for item in of_pair if item.candidate_share > 0 and item.answered]
        made.append(
            Tried(
                champion_id=pair[0],
                candidate_id=pair[1],
                requests=len(of_pair),
                agreed=sum(item.champion_graph == item.candidate_graph for item in of_pair),
                shared=len(shared),
                estimates=tuple(
                    CandidateEstimate(
                        champion_id=pair[0], candidate_id=pair[1], metric=metric, **asdict(item)
                    )
                    for metric in SHOWN
                    for item in doubly_robust(_trials(shared, metric))
                ),
            )
        )
    return tuple(made)


def _trials(outcomes: Sequence[Outcome], metric: str) -> list[TrialOutcome]:
    values: list[tuple[Outcome, float | None]] = [
        (item, getattr(item, metric)) for item in outcomes
    ]
    return [
        TrialOutcome(
            champion_graph=item.champion_graph,
            candidate_graph=item.candidate_graph,
            by_candidate=item.by_candidate,
            candidate_share=item.candidate_share,
            value=value,
        )
        for item, value in values
        if value is not None
    ]


def print_tried(pairs: Sequence[Tried]) -> None:
    """Print each pair and its estimates to stdout."""
    console = table_console()
    for pair in pairs:
        console.print(pair.sentence(), highlight=False, soft_wrap=True)
        if pair.estimates:
            console.print(terminal_table("", HEADERS, _rows(pair.estimates), words={"what"}))
    if any(pair.estimates for pair in pairs):
        console.print(NOTE, style="dim", highlight=False, soft_wrap=True)


def candidates_html(estimates: Sequence[CandidateEstimate]) -> str:
    """The same for a page."""
    parts: list[str] = []
    ordered = sorted(estimates, key=lambda item: item.pair)
    for (champion, candidate), group in groupby(ordered, lambda item: item.pair):
        of_pair = list(group)
        first = of_pair[0]
        parts += [
            f'<p class="quiet"><code>{escape(candidate)}</code> beside '
            f"<code>{escape(champion)}</code>, {first.requests:,} requests.</p>",
            html_table(HEADERS, _rows(of_pair), cards=True),
        ]
    return "\n".join([*parts, f'<p class="quiet">{escape(NOTE)}.</p>'])


def _rows(estimates: Sequence[CandidateEstimate]) -> list[list[str]]:
    found = {(item.metric, item.policy): item for item in estimates}
    policies: tuple[Who, ...] = ("champion", "candidate", "difference")
    return [
        [
            heading,
            *(with_interval(found.get((metric, who)), factor, digits) for who in policies),
        ]
        for metric, (heading, factor, digits) in SHOWN.items()
        if (metric, "champion") in found
    ]
