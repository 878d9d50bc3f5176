"""Promotion by evidence: a candidate becomes champion only if the configured rule holds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from prefect.artifacts import acreate_markdown_artifact

from flows.evaluate import evaluated_rollouts
from flows.session import Session
from lamas.domain import derive_seed
from lamas.evaluation import PairedDifference, compare

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


async def promote_or_not(current: Session, *, reference: str, candidate: str) -> None:
    """Weigh the candidate against the reference checkpoint on the problems both answered.

    The rule: the score is non-inferior (lower end of the 95 % interval of the difference above
    −margin) and CP_len or cost falls (upper end of the interval of the log-ratio below 0). The
    decision is stored with its evidence either way, and shown.
    """
    kind, config = current.settings.controller.kind, current.settings.promotion
    verdict = Verdict(
        differences=compare(
            evaluated_rollouts(current, policy=kind, checkpoint_id=candidate),
            evaluated_rollouts(current, policy=kind, checkpoint_id=reference),
            seed=derive_seed(current.settings.seed, "bootstrap"),
        ),
        margin=config.score_margin,
    )
    promoted = verdict.holds and config.enabled
    decide = current.registry.promote if promoted else current.registry.reject
    decide(
        candidate,
        evidence=_evidence(verdict, reference),
        run_id=current.run.run_id,
        decided_at=current.clock.now(),
    )
    heading = f"{'Promoted' if promoted else 'Not promoted'}: {verdict.reason()}"
    lines = difference_lines(verdict.differences)
    print(f"\n{candidate} against {reference}, the same problems, 95 % paired bootstrap:")
    print("\n".join(f"  {line}" for line in [*lines, heading]))
    markdown = [f"# {heading}", f"`{candidate}` against `{reference}`", ""]
    await acreate_markdown_artifact(
        key="promotion", markdown="\n".join([*markdown, *(f"- {line}" for line in lines)])
    )


def difference_lines(differences: Sequence[PairedDifference]) -> list[str]:
    """Each difference in words a person reads: points of score, per cent of the rest."""
    lines: list[str] = []
    for item in differences:
        if item.metric == "score_difference":
            name, unit = "score", "points"
            values = [100 * value for value in _numbers(item)]
        else:
            name, unit = item.metric.removesuffix("_log_ratio"), "%"
            values = [100 * math.expm1(value) for value in _numbers(item)]
        text = f"{name:<18} {values[0]:+.1f} {unit}"
        if len(values) == 3:
            text += f"  [{values[1]:+.1f}, {values[2]:+.1f}]"
        lines.append(f"{text}  ({item.problems} problems)")
    return lines


def _numbers(item: PairedDifference) -> list[float]:
    return [value for value in (item.value, item.low, item.high) if value is not None]


def _evidence(verdict: Verdict, reference: str) -> dict[str, object]:
    return {
        "rule": "score non-inferior by the margin, and CP_len or cost lower; 95 % intervals",
        "margin": verdict.margin,
        "reference": reference,
        "non_inferior": verdict.non_inferior,
        "improved": list(verdict.improved),
        "differences": {
            item.metric: {"value": item.value, "low": item.low, "high": item.high}
            for item in verdict.differences
        },
    }
