"""What a comparison found: means of the variants, differences between them, verdicts."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from flows.comparison.members import Member
from flows.session import Session
from lamas.domain import AnyResult, ComparisonEstimate, derive_seed
from lamas.evaluation import (
    BySeed,
    McNemar,
    PairedEstimate,
    compare_over_seeds,
    mcnemar,
    means_over_seeds,
    non_inferiority,
)

MCNEMAR = "mcnemar"
"""Metric of a test on the first training seed alone: value (only A − only B) / problems."""

Outcomes = BySeed | Sequence[AnyResult]


def outcomes_of(root: Session, members: Sequence[Member]) -> dict[str, Outcomes]:
    """Evaluation outcomes by variant: by training seed, or alone where there is no seed."""
    seeded: defaultdict[str, dict[int, Sequence[AnyResult]]] = defaultdict(dict)
    alone: dict[str, Outcomes] = {}
    for member in members:
        outcomes = root.reader.evaluated(member.session.run.run_id)
        if member.variant.fixed is None:
            seeded[member.variant.name][member.seed] = outcomes
        else:
            alone[member.variant.name] = outcomes
    return {**seeded, **alone}


def estimates_of(
    root: Session, outcomes: Mapping[str, Outcomes], against: Mapping[str, Sequence[str]]
) -> tuple[ComparisonEstimate, ...]:
    """Every variant's means (under an empty reference), then the differences `against` asks for."""
    seed = derive_seed(root.settings.seed, "bootstrap")
    made = [
        _stored(root, item, variant=name, reference="")
        for name, of in outcomes.items()
        for item in means_over_seeds(of, seed=seed)
    ]
    for variant, references in against.items():
        for reference in references:
            a, b = outcomes[variant], outcomes[reference]
            made += [
                _stored(root, item, variant=variant, reference=reference)
                for item in compare_over_seeds(a, b, seed=seed)
            ]
            made.append(_discordant(root, variant, reference, a, b))
    return tuple(made)


def _stored(
    root: Session, item: PairedEstimate, *, variant: str, reference: str
) -> ComparisonEstimate:
    judged = item.metric == "score_difference"
    margin = root.settings.comparison.margin
    verdict = non_inferiority(item, margin=margin) if judged else None
    return ComparisonEstimate(
        comparison_run_id=root.run.run_id,
        variant=variant,
        reference=reference,
        metric=item.metric,
        value=item.value,
        low=item.low,
        high=item.high,
        standard_error=item.standard_error,
        degrees=item.degrees,
        # Of "the mean is 0", which nobody asks.
        p_value=item.p_value if reference else None,
        seeds=item.seeds,
        problems=item.problems,
        pairs=item.pairs,
        method=item.method,
        margin=margin if judged else None,
        verdict=verdict.verdict if verdict else None,
        margin_p_value=verdict.p_value if verdict else None,
    )


def _discordant(
    root: Session, variant: str, reference: str, a: Outcomes, b: Outcomes
) -> ComparisonEstimate:
    """McNemar's test on one run of each: the first training seed, the first evaluation run."""
    right_a, right_b = _right(a), _right(b)
    both = sorted(right_a.keys() & right_b.keys())
    test = mcnemar(
        sum(right_a[name] and not right_b[name] for name in both),
        sum(right_b[name] and not right_a[name] for name in both),
    )
    return _mcnemar_row(root, variant, reference, test, len(both))


def _mcnemar_row(
    root: Session, variant: str, reference: str, test: McNemar, problems: int
) -> ComparisonEstimate:
    return ComparisonEstimate(
        comparison_run_id=root.run.run_id,
        variant=variant,
        reference=reference,
        metric=MCNEMAR,
        value=(test.only_a - test.only_b) / problems,
        low=None,
        high=None,
        standard_error=None,
        degrees=None,
        p_value=test.mid,
        seeds=1,
        problems=problems,
        pairs=problems,
        method=f"McNemar mid-p, {test.only_a} : {test.only_b}, first training seed",
    )


def _right(of: Outcomes) -> dict[str, bool]:
    outcomes = of[min(of)] if isinstance(of, Mapping) else of
    first = min((item.order[3] for item in outcomes), default=0)
    return {
        item.problem_id: item.score is not None and item.score >= 0.5
        for item in outcomes
        if item.status == "ok" and item.order[3] == first
    }
