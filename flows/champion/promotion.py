"""Promotion by evidence: a candidate becomes champion only if the configured rule holds."""

import json

from prefect.artifacts import acreate_markdown_artifact

from flows.run.evaluated import evaluated_rollouts
from flows.run.session import Session
from lamas.domain import derive_seed
from lamas.evaluation import compare
from lamas.evaluation.promotion import Verdict
from lamas.report.verdict import difference_lines


async def promote_or_not(current: Session, *, reference: str, candidate: str) -> None:
    """Weigh the candidate against the reference checkpoint on the problems both answered.

    The rule: the score is non-inferior (lower end of the 95 % interval of the difference above
    −margin) and CP_len or cost falls (upper end of the interval of the log-ratio below 0). The
    decision is stored with its evidence either way, and shown. A run that repeats the one that
    made the champion ends with the champion itself: there is nothing to decide.
    """
    champion = current.registry.champion()
    if champion is not None and champion.checkpoint_id == candidate:
        heading = f"Nothing to decide: {candidate} is the champion already"
        print(f"\n{heading}")
        await acreate_markdown_artifact(key="promotion", markdown=f"# {heading}")
        return
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
    if not _decided(current, candidate):
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
    evidence = json.dumps(_evidence(verdict, reference), indent=2)
    markdown = [
        f"# {heading}",
        f"`{candidate}` against `{reference}`",
        "",
        *(f"- {line}" for line in lines),
        "",
        f"```json\n{evidence}\n```",
    ]
    await acreate_markdown_artifact(key="promotion", markdown="\n".join(markdown))


def _decided(current: Session, candidate: str) -> bool:
    """Whether this run decided before it was interrupted: one decision is one row."""
    return any(
        (item.run_id, item.checkpoint_id) == (current.run.run_id, candidate)
        for item in current.registry.promotions()
    )


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
