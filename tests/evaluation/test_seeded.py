"""Comparing rollouts over training seeds: pairing, policies without seeds, what is left out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from lamas.domain import ExecutionGraph, GraphChoice, Rollout
from lamas.errors import DomainError
from lamas.evaluation import PairedEstimate, compare, compare_over_seeds, means_over_seeds
from tests.training.world import THREE, Spent, failed, plan, rollout

CHOICE = GraphChoice(ExecutionGraph.of((("Short",),), THREE), ())


def done(
    problem: int,
    score: float = 1.0,
    *,
    tokens: float = 100.0,
    cost: float = 0.01,
    sample: int = 0,
    replayed_calls: int = 0,
) -> Rollout:
    planned = plan(CHOICE, f"r{problem}.{sample}", f"p{problem:03d}")
    finished = rollout(
        planned, lambda _, name: Spent(tokens, cost), score, replayed_calls=replayed_calls
    )
    return replace(finished, makespan_seconds=tokens / 50.0)


def found(
    a: Mapping[int, Sequence[Rollout]] | Sequence[Rollout],
    b: Mapping[int, Sequence[Rollout]] | Sequence[Rollout],
) -> dict[str, PairedEstimate]:
    return {item.metric: item for item in compare_over_seeds(a, b)}


def learned(factor: float, *, seeds: int = 5, problems: int = 20) -> dict[int, list[Rollout]]:
    generator = np.random.default_rng(round(100 * factor))
    return {
        seed: [
            done(
                problem,
                float(generator.random() < 0.7),
                tokens=factor * 100.0 * (1 + problem) * math.exp(generator.normal(0, 0.1)),
            )
            for problem in range(problems)
        ]
        for seed in range(seeds)
    }


def test_metrics_are_those_of_compare_with_the_values_over_all_pairs() -> None:
    a, b = learned(0.5), learned(1.0)
    estimates = found(a, b)
    pooled = compare(
        [
            replace(x, plan=replace(x.plan, rollout_id=f"{s}{x.rollout_id}"))
            for s in a
            for x in a[s]
        ],
        [
            replace(x, plan=replace(x.plan, rollout_id=f"{s}{x.rollout_id}"))
            for s in b
            for x in b[s]
        ],
    )
    assert list(estimates) == [item.metric for item in pooled]
    for item in pooled:
        assert estimates[item.metric].value == pytest.approx(item.value)
    ratio = estimates["cp_tokens_log_ratio"]
    assert (ratio.seeds, ratio.problems, ratio.pairs) == (5, 20, 100)
    assert ratio.low is not None
    assert ratio.high is not None
    assert ratio.low < math.log(0.5) < ratio.high < 0.0


def test_only_what_both_finished_counts() -> None:
    a, b = learned(0.5), learned(1.0)
    a[2][3] = failed(a[2][3])
    del b[1][5]
    b[7] = b.pop(4)
    ratio = found(a, b)["cp_tokens_log_ratio"]
    assert (ratio.seeds, ratio.problems, ratio.pairs) == (4, 20, 78)
    with pytest.raises(DomainError, match="in common"):
        compare_over_seeds({0: a[0]}, {1: b[1]})


def test_a_policy_without_seeds_is_set_against_every_seed() -> None:
    a, fixed = learned(0.5), learned(1.0)[0]
    plain = compare_over_seeds(a, fixed)
    assert plain == compare_over_seeds(a, dict.fromkeys(range(5), fixed))
    assert plain[0].pairs == 100
    turned = found(fixed, a)["score_difference"]
    assert turned.value == pytest.approx(-plain[0].value)
    assert found(fixed, a[0])["score_difference"].seeds == 1


def test_several_runs_of_a_pair_are_averaged_first() -> None:
    twice = {seed: [done(p, s, sample=s) for p in range(4) for s in (0, 1)] for seed in range(3)}
    zero = {seed: [done(p, 0.25) for p in range(4)] for seed in range(3)}
    difference = found(twice, zero)["score_difference"]
    assert (difference.value, difference.pairs) == (0.25, 12)
    assert difference.low is None


def test_ratios_that_mean_nothing_are_left_out() -> None:
    free = {seed: [done(1, cost=0.0), done(2, cost=0.0, replayed_calls=1)] for seed in range(2)}
    assert list(found(free, free)) == ["score_difference", "cp_tokens_log_ratio"]


def test_means_of_one_policy_are_over_all_its_pairs_with_their_intervals() -> None:
    rollouts = {
        0: [done(0, 1.0, tokens=100.0, cost=0.01), done(1, 0.0, tokens=300.0, cost=0.03)],
        1: [done(0, 1.0, tokens=200.0, cost=0.02), done(1, 1.0, tokens=400.0, cost=0.04)],
    }
    means = {item.metric: item for item in means_over_seeds(rollouts)}
    assert means["score"].value == 0.75
    assert means["cp_tokens"].value == 250.0
    assert means["cost_usd"].value == pytest.approx(0.025)
    assert means["makespan_seconds"].value == 5.0
    low, high = means["cp_tokens"].low, means["cp_tokens"].high
    assert low is not None
    assert high is not None
    assert low < 250.0 < high
    assert (means["score"].seeds, means["score"].problems, means["score"].pairs) == (2, 2, 4)


def test_means_leave_makespans_out_where_a_call_was_replayed() -> None:
    rollouts = [done(0), done(1, replayed_calls=1)]
    assert "makespan_seconds" not in {item.metric for item in means_over_seeds(rollouts)}


def test_samples_of_a_problem_count_once() -> None:
    rollouts = [done(0, 1.0), done(0, 0.0, sample=1), done(1, 1.0)]
    means = {item.metric: item for item in means_over_seeds(rollouts)}
    assert means["score"].value == 0.75


@pytest.mark.slow
def test_intervals_of_means_stay_where_the_values_can_be() -> None:
    rollouts = {
        seed: [done(problem, float(seed), tokens=10.0 ** (3 * seed)) for problem in range(3)]
        for seed in (0, 1)
    }
    means = {item.metric: item for item in means_over_seeds(rollouts)}
    assert (means["score"].low, means["score"].high) == (0.0, 1.0)
    assert means["cp_tokens"].low is not None
    assert 0.0 < means["cp_tokens"].low < means["cp_tokens"].value
