"""Promotion by evidence: a candidate becomes champion only if the configured rule holds."""

import json
from collections.abc import Sequence

from prefect.artifacts import acreate_markdown_artifact

from flows.run.evaluated import evaluated_rollouts
from flows.run.session import Session
from lamas.domain import Rollout, derive_seed
from lamas.evaluation import PairedDifference, compare
from lamas.evaluation.promotion import Rival, Verdict
from lamas.report.verdict import difference_lines, in_one_sentence


async def promote_or_not(
    current: Session, *, reference: str, candidate: str, best_fixed: str | None = None
) -> None:
    """Weigh the candidate against the reference, a checkpoint or a fixed graph of the evaluation,
    and against every fixed graph, on the problems all answered.

    The rule is `Verdict`'s; `best_fixed` names the graph that was best on the training problems.
    The decision is stored with its evidence either way, and shown. A run that repeats the one that
    made the champion ends with the champion itself: there is nothing to decide.
    """
    champion = current.registry.champion()
    if champion is not None and champion.checkpoint_id == candidate:
        heading = f"Nothing to decide: {candidate} is the champion already"
        print(f"\n{heading}")
        await acreate_markdown_artifact(key="promotion", markdown=f"# {heading}")
        return
    settings, config = current.settings, current.settings.promotion
    verdict = Verdict(
        differences=_differences(current, candidate, reference),
        margin=config.score_margin,
        longer_wait=config.longer_wait,
        timed=settings.seconds_are_the_models,
        rivals=tuple(
            Rival(
                name=name,
                differences=_differences(current, candidate, name),
                best=name == best_fixed,
            )
            for name in _rivals(settings.evaluation.baselines, best_fixed)
        ),
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
    lines = [
        *difference_lines(verdict.differences),
        in_one_sentence(reference, verdict.differences, config.score_margin),
    ]
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


def _rivals(baselines: Sequence[str], best_fixed: str | None) -> tuple[str, ...]:
    """The best fixed graph of the training problems first, then the others."""
    return tuple(dict.fromkeys([*([] if best_fixed is None else [best_fixed]), *baselines]))


def _differences(current: Session, candidate: str, other: str) -> tuple[PairedDifference, ...]:
    return compare(
        _answered(current, candidate),
        _answered(current, other),
        seed=derive_seed(current.settings.seed, "bootstrap"),
    )


def _answered(current: Session, name: str) -> tuple[Rollout, ...]:
    """This run's evaluation rollouts of a checkpoint, or of the fixed graph of that name."""
    for item in current.registry.checkpoints():
        if item.checkpoint_id == name:
            return evaluated_rollouts(current, policy=item.controller, checkpoint_id=name)
    return evaluated_rollouts(current, policy=name, checkpoint_id=None)


def _decided(current: Session, candidate: str) -> bool:
    """Whether this run decided before it was interrupted: one decision is one row."""
    return any(
        (item.run_id, item.checkpoint_id) == (current.run.run_id, candidate)
        for item in current.registry.promotions()
    )


def _evidence(verdict: Verdict, reference: str) -> dict[str, object]:
    return {
        "rule": "score non-inferior by the margin, CP_len or cost lower, waiting not longer, no "
        "fixed graph better, the best fixed graph's score reached; 95 % intervals",
        "reason": verdict.reason(),
        "holds": verdict.holds,
        "margin": verdict.margin,
        "longer_wait": verdict.longer_wait,
        "reference": reference,
        "non_inferior": verdict.non_inferior,
        "improved": list(verdict.improved),
        "differences": _figures(verdict.differences),
        "fixed_graphs": {item.name: _figures(item.differences) for item in verdict.rivals},
    }


def _figures(differences: Sequence[PairedDifference]) -> dict[str, object]:
    return {
        item.metric: {"value": item.value, "low": item.low, "high": item.high}
        for item in differences
    }
