"""What a comparison found: means of the variants, differences between them, verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lamas.domain import AnyResult, ComparisonEstimate
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


@dataclass(frozen=True, kw_only=True)
class _Row:
    """What every row of one comparison shares, and whom it is about."""

    run_id: str
    margin: float
    variant: str
    reference: str


def estimates_of(
    outcomes: Mapping[str, Outcomes],
    against: Mapping[str, Sequence[str]],
    *,
    run_id: str,
    margin: float,
    seed: int,
) -> tuple[ComparisonEstimate, ...]:
    """Every variant's means (under an empty reference), then the differences `against` asks for.

    `run_id`: the comparison's; `margin`: of score non-inferiority; `seed`: of the bootstrap.
    """

    def row(variant: str, reference: str) -> _Row:
        return _Row(run_id=run_id, margin=margin, variant=variant, reference=reference)

    made = [
        _stored(row(name, ""), item)
        for name, of in outcomes.items()
        for item in means_over_seeds(of, seed=seed)
    ]
    for variant, references in against.items():
        for reference in references:
            a, b, of = outcomes[variant], outcomes[reference], row(variant, reference)
            made += [_stored(of, item) for item in compare_over_seeds(a, b, seed=seed)]
            made.append(_discordant(of, a, b))
    return tuple(made)


def _stored(row: _Row, item: PairedEstimate) -> ComparisonEstimate:
    judged = item.metric == "score_difference"
    verdict = non_inferiority(item, margin=row.margin) if judged else None
    return ComparisonEstimate(
        comparison_run_id=row.run_id,
        variant=row.variant,
        reference=row.reference,
        metric=item.metric,
        value=item.value,
        low=item.low,
        high=item.high,
        standard_error=item.standard_error,
        degrees=item.degrees,
        # Of "the mean is 0", which nobody asks.
        p_value=item.p_value if row.reference else None,
        seeds=item.seeds,
        problems=item.problems,
        pairs=item.pairs,
        method=item.method,
        margin=row.margin if judged else None,
        verdict=verdict.verdict if verdict else None,
        margin_p_value=verdict.p_value if verdict else None,
    )


def _discordant(row: _Row, a: Outcomes, b: Outcomes) -> ComparisonEstimate:
    """McNemar's test on one run of each: the first training seed, the first evaluation run."""
    right_a, right_b = _right(a), _right(b)
    both = sorted(right_a.keys() & right_b.keys())
    test = mcnemar(
        sum(right_a[name] and not right_b[name] for name in both),
        sum(right_b[name] and not right_a[name] for name in both),
    )
    return _mcnemar_row(row, test, len(both))


def _mcnemar_row(row: _Row, test: McNemar, problems: int) -> ComparisonEstimate:
    return ComparisonEstimate(
        comparison_run_id=row.run_id,
        variant=row.variant,
        reference=row.reference,
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
