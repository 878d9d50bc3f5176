"""A comparison as `lamas compare` leaves it, and the records that it was made of."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pytest

from lamas.domain import ComparisonEstimate, ComparisonMember, Rollout, Run
from lamas.evaluation import (
    PairedEstimate,
    compare_over_seeds,
    mcnemar,
    means_over_seeds,
    non_inferiority,
)
from tests.factories import T0, make_run
from tests.random_rollouts import random_rollouts
from tests.report.conftest import evaluation, make_update, prepared, store
from warehouse import Warehouse
from warehouse.reports import comparison_report
from warehouse.writer import Writer

SEEDS = (3, 4)
MARGIN = 0.02
TRAINED = ("fast", "slow")
VARIANTS = (*TRAINED, "dice", "generate", "generate_cot")
PAIRS = (
    ("fast", "slow"),
    ("fast", "dice"),
    ("fast", "generate"),
    ("generate", "slow"),
    ("generate", "generate_cot"),
)

BySeed = Mapping[int, tuple[Rollout, ...]]
Outcomes = BySeed | tuple[Rollout, ...]
Training = dict[tuple[str, int], tuple[Rollout, ...]]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The warehouse and what went into it as comparison `compare-1`."""

    warehouse: Warehouse
    frames: dict[str, pl.DataFrame]
    """Answers of the comparison's queries."""
    evaluated: dict[str, Outcomes]
    """By variant: by training seed, or alone for a fixed graph."""
    training: Training
    estimates: tuple[ComparisonEstimate, ...]

    def shown(self, variant: str) -> list[Rollout]:
        """Of its evaluation, failed ones too."""
        of = self.evaluated[variant]
        groups = of.values() if isinstance(of, Mapping) else [of]
        return [item for items in groups for item in items]

    def finished(self, variant: str) -> list[Rollout]:
        return [item for item in self.shown(variant) if item.status == "ok"]


def config(margin: float = MARGIN) -> str:
    return json.dumps(
        {
            "training": {"lambda_c": 3.0, "lambda_t": 0.005},
            "comparison": {
                "margin": margin,
                "variants": {"fast": [], "slow": ["training.lambda_t=0"], "dice": []},
            },
        }
    )


def few_samples(
    seed: int, *, policy: str, checkpoint_id: str | None, run_id: str
) -> tuple[Rollout, ...]:
    """Six samples of each of five problems; some failed."""
    made = evaluation(seed, checkpoint_id=checkpoint_id, policy=policy, run_id=run_id)
    return tuple(
        replace(item, plan=replace(item.plan, sample_index=place // 5, step=2))
        for place, item in enumerate(made)
    )


def stored(
    run_id: str, item: PairedEstimate, variant: str, reference: str, margin: float = MARGIN
) -> ComparisonEstimate:
    judged = item.metric == "score_difference"
    return ComparisonEstimate(
        comparison_run_id=run_id,
        variant=variant,
        reference=reference,
        metric=item.metric,
        value=item.value,
        low=item.low,
        high=item.high,
        standard_error=item.standard_error,
        degrees=item.degrees,
        p_value=item.p_value if reference else None,
        seeds=item.seeds,
        problems=item.problems,
        pairs=item.pairs,
        method=item.method,
        margin=margin if judged else None,
        verdict=non_inferiority(item, margin=margin).verdict if judged else None,
    )


def right(of: Outcomes) -> dict[str, bool]:
    """On the first seed and the first sample."""
    items = of[min(of)] if isinstance(of, Mapping) else of
    return {
        item.plan.problem_id: (item.score or 0.0) >= 0.5
        for item in items
        if item.status == "ok" and item.plan.sample_index == 0
    }


def discordant(
    run_id: str, variant: str, reference: str, a: Outcomes, b: Outcomes
) -> ComparisonEstimate:
    of_a, of_b = right(a), right(b)
    both = of_a.keys() & of_b.keys()
    test = mcnemar(
        sum(of_a[name] and not of_b[name] for name in both),
        sum(of_b[name] and not of_a[name] for name in both),
    )
    return ComparisonEstimate(
        comparison_run_id=run_id,
        variant=variant,
        reference=reference,
        metric="mcnemar",
        value=(test.only_a - test.only_b) / len(both),
        low=None,
        high=None,
        standard_error=None,
        degrees=None,
        p_value=test.mid,
        seeds=1,
        problems=len(both),
        pairs=len(both),
        method="McNemar",
    )


def estimates_of(run_id: str, evaluated: Mapping[str, Outcomes]) -> tuple[ComparisonEstimate, ...]:
    found = [
        stored(run_id, item, name, "")
        for name, of in evaluated.items()
        for item in means_over_seeds(of, seed=1)
    ]
    for variant, reference in PAIRS:
        a, b = evaluated[variant], evaluated[reference]
        found += [
            stored(run_id, item, variant, reference) for item in compare_over_seeds(a, b, seed=1)
        ]
        found.append(discordant(run_id, variant, reference, a, b))
    return tuple(found)


def member_run(run_id: str, place: int) -> Run:
    return replace(make_run(run_id), kind="variant", started_at=T0 + place)


def members_of(variant: str) -> Sequence[int]:
    return SEEDS if variant in (*TRAINED, "dice") else SEEDS[:1]


def fill(
    writer: Writer, run_id: str
) -> tuple[dict[str, Outcomes], dict[tuple[str, int], tuple[Rollout, ...]]]:
    """Member runs with their rollouts and updates."""
    evaluated: dict[str, Outcomes] = {}
    training: Training = {}
    members: list[ComparisonMember] = []
    for place, variant in enumerate(VARIANTS):
        by_seed: dict[int, tuple[Rollout, ...]] = {}
        for seed in members_of(variant):
            name = f"{run_id}-{variant}-{seed}"
            writer.add_run(member_run(name, place))
            number = 100 * place + seed
            fixed = variant.startswith("generate")
            rollouts = few_samples(
                number,
                policy=variant if fixed else "lamas",
                checkpoint_id=None if fixed else "lamas-2",
                run_id=name,
            )
            if variant == "slow":
                # Its calls were answered from the response store: no seconds are known.
                rollouts = tuple(replace(item, replayed_calls=1) for item in rollouts)
            if variant in TRAINED:
                training[variant, seed] = (
                    *random_rollouts(12, seed=number + 20, run_id=name, at_step=1),
                    *random_rollouts(12, seed=number + 40, run_id=name, at_step=2),
                )
                store(writer, training[variant, seed])
            store(writer, rollouts)
            by_seed[seed] = rollouts
            writer.finish_run(name, "completed", ended_at=T0 + 50 + place)
            members.append(
                ComparisonMember(
                    comparison_run_id=run_id,
                    variant=variant,
                    training_seed=seed,
                    run_id=name,
                    learned=variant in TRAINED,
                )
            )
        evaluated[variant] = by_seed[SEEDS[0]] if variant.startswith("generate") else by_seed
    writer.add_comparison_members(members)
    for variant, seed in training:
        for step in (1, 2):
            writer.add_updates(
                [
                    replace(
                        make_update(step),
                        update_id=f"{run_id}-{variant}-{seed}-{step}",
                        run_id=f"{run_id}-{variant}-{seed}",
                        entropy=seed / step,
                    )
                ]
            )
    return evaluated, training


def made(path: Path) -> Compared:
    warehouse = prepared(path, "run-1")
    writer = Writer(warehouse)
    writer.add_run(
        replace(make_run("compare-1"), kind="compare", config_json=config(), started_at=T0 + 1)
    )
    evaluated, training = fill(writer, "compare-1")
    estimates = estimates_of("compare-1", evaluated)
    writer.add_comparison_estimates(estimates)
    writer.finish_run("compare-1", "completed", ended_at=T0 + 60)
    return Compared(
        warehouse=warehouse,
        frames=comparison_report(warehouse, "compare-1"),
        evaluated=evaluated,
        training=training,
        estimates=estimates,
    )


@pytest.fixture(scope="session")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    return made(tmp_path_factory.mktemp("comparison") / "comparison.duckdb")
