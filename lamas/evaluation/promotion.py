"""What the promotion rule says of a candidate, in figures and in words."""

from dataclasses import dataclass

from lamas.evaluation import PairedDifference

REDUCTIONS = ("cp_tokens_log_ratio", "cost_usd_log_ratio")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the rule says of a candidate."""

    differences: tuple[PairedDifference, ...]
    """Candidate minus reference, or logarithm of their ratio."""
    margin: float
    """Non-inferiority margin of the score difference."""

    def _of(self, metric: str) -> PairedDifference | None:
        return next((item for item in self.differences if item.metric == metric), None)

    @property
    def non_inferior(self) -> bool:
        score = self._of("score_difference")
        return score is not None and score.low is not None and score.low > -self.margin

    @property
    def improved(self) -> tuple[str, ...]:
        """Which of CP_len and cost surely fell."""
        found = [self._of(name) for name in REDUCTIONS]
        return tuple(
            item.metric for item in found if item and item.high is not None and item.high < 0.0
        )

    @property
    def holds(self) -> bool:
        return self.non_inferior and bool(self.improved)

    def reason(self) -> str:
        """One sentence."""
        if not self.non_inferior:
            return f"the score may be more than {100 * self.margin:g} points lower"
        if not self.improved:
            return "neither CP_len nor cost is surely lower"
        return (
            "the score is non-inferior and "
            + " and ".join(
                {"cp_tokens_log_ratio": "CP_len", "cost_usd_log_ratio": "cost"}[name]
                for name in self.improved
            )
            + " fell"
        )
