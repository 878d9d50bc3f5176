"""What the promotion rule says of a candidate, in figures and in words."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lamas.evaluation.paired import PairedDifference

SCORE = "score_difference"
CP_LEN, COST, MAKESPAN = "cp_tokens_log_ratio", "cost_usd_log_ratio", "makespan_seconds_log_ratio"
REDUCTIONS = (CP_LEN, COST)
NAMES = {CP_LEN: "CP_len", COST: "cost", MAKESPAN: "makespan"}


@dataclass(frozen=True, kw_only=True)
class Rival:
    """A fixed graph that answered the same problems."""

    name: str
    differences: tuple[PairedDifference, ...]
    """Candidate minus graph, or logarithm of their ratio."""
    best: bool = False
    """It is the best fixed graph of the training problems, which the candidate's score must reach
    but for the margin."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the rule says of a candidate.

    It holds when against the reference the score is non-inferior, CP_len or cost surely fell and
    waiting did not become longer; when no fixed graph is as good in score and CP_len and better in
    one; and when the score is non-inferior to the best fixed graph's.
    """

    differences: tuple[PairedDifference, ...]
    """Candidate minus reference, or logarithm of their ratio."""
    margin: float
    """Non-inferiority margin of the score difference."""
    longer_wait: float = 0.0
    """By which share waiting may grow."""
    timed: bool = True
    """Seconds are the model's: the makespan counts, where it was measured."""
    rivals: tuple[Rival, ...] = ()

    @property
    def non_inferior(self) -> bool:
        return self._non_inferior(self.differences)

    @property
    def improved(self) -> tuple[str, ...]:
        """Which of CP_len and cost surely fell."""
        found = [_of(self.differences, name) for name in REDUCTIONS]
        return tuple(
            item.metric for item in found if item and item.high is not None and item.high < 0.0
        )

    @property
    def longer(self) -> PairedDifference | None:
        """The waiting that grew by more than is allowed: CP_len by its mean, the makespan, which
        the machine's mood moves, surely.
        """
        allowed = math.log1p(self.longer_wait)
        length, makespan = _of(self.differences, CP_LEN), _of(self.differences, MAKESPAN)
        if length is not None and length.value > allowed:
            return length
        surely = makespan is not None and makespan.low is not None and makespan.low > allowed
        return makespan if surely and self.timed else None

    @property
    def dominating(self) -> Rival | None:
        """A fixed graph that is as good in score and CP_len, and better in one."""
        return next((rival for rival in self.rivals if _dominates(rival)), None)

    @property
    def unreached(self) -> Rival | None:
        """The best fixed graph, if the score may be lower by more than the margin."""
        return next(
            (
                item
                for item in self.rivals
                if item.best and not self._non_inferior(item.differences)
            ),
            None,
        )

    @property
    def holds(self) -> bool:
        return (
            self.non_inferior
            and bool(self.improved)
            and self.longer is None
            and self.dominating is None
            and self.unreached is None
        )

    def reason(self) -> str:
        """One sentence; of what forbids a promotion it names the figure."""
        margin = f"{100 * self.margin:g} points"
        if not self.non_inferior:
            return f"the score may be more than {margin} lower{_figure(self.differences, SCORE)}"
        if self.longer is not None:
            figure = _figure((self.longer,), self.longer.metric)
            return (
                f"waiting became longer{figure}, promotion.longer_wait allows "
                f"{100 * self.longer_wait:g} %"
            )
        if self.dominating is not None:
            rival = self.dominating
            return (
                f"the fixed graph {rival.name} is no worse in score and CP_len, and better in one"
                f"{_figure(rival.differences, SCORE)}{_figure(rival.differences, CP_LEN)}"
            )
        if self.unreached is not None:
            rival = self.unreached
            return (
                f"the score may be more than {margin} below the best fixed graph's, {rival.name}"
                f"{_figure(rival.differences, SCORE)}"
            )
        if not self.improved:
            return "neither CP_len nor cost is surely lower"
        fell = " and ".join(NAMES[name] for name in self.improved)
        return f"the score is non-inferior and {fell} fell"

    def _non_inferior(self, differences: Sequence[PairedDifference]) -> bool:
        score = _of(differences, SCORE)
        return score is not None and score.low is not None and score.low > -self.margin


def _of(differences: Sequence[PairedDifference], metric: str) -> PairedDifference | None:
    return next((item for item in differences if item.metric == metric), None)


def _dominates(rival: Rival) -> bool:
    score, length = _of(rival.differences, SCORE), _of(rival.differences, CP_LEN)
    if score is None or length is None:
        return False
    behind = score.value <= 0.0 and length.value >= 0.0
    return behind and (score.value < 0.0 or length.value > 0.0)


def _figure(differences: Sequence[PairedDifference], metric: str) -> str:
    """`, score -3.0 points [-5.1, -0.9]`; nothing for a figure that is not there."""
    item = _of(differences, metric)
    if item is None:
        return ""
    ratio = metric != SCORE
    ends = [
        100 * (math.expm1(end) if ratio else end)
        for end in (item.low, item.high)
        if end is not None
    ]
    interval = f" [{ends[0]:+.1f}, {ends[1]:+.1f}]" if len(ends) == 2 else ""
    value = 100 * (math.expm1(item.value) if ratio else item.value)
    return f", {NAMES.get(metric, 'score')} {value:+.1f} {'%' if ratio else 'points'}{interval}"
