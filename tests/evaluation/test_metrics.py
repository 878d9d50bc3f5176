"""Evaluation metrics: known answers, exact sums, and intervals against naive references."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import warehouse
from lamas.domain import EvaluationMetric, ExecutionGraph, GraphChoice, Rollout, ordered_sum
from lamas.errors import DomainError
from lamas.evaluation import (
    EvaluationLabel,
    cluster_bootstrap,
    compare,
    quantile,
    summarise,
    wilson,
)
from lamas.evaluation.quantile import weighted_quantiles
from tests.training.world import THREE, Spent, failed, plan, rollout

LABEL = EvaluationLabel(
    evaluation_id="e", run_id="run", checkpoint_id=None, policy="lamas", split="test"
)
CHOICE = GraphChoice(ExecutionGraph.of((("Short",),), THREE), ())


def done(
    number: int,
    score: float,
    *,
    problem: str | None = None,
    tokens: float = 100.0,
    cost: float = 0.01,
    makespan: float = 1.0,
    replayed_calls: int = 0,
) -> Rollout:
    planned = plan(CHOICE, f"r{number:03d}", problem or f"p{number:03d}")
    finished = rollout(
        planned, lambda _, name: Spent(tokens, cost), score, replayed_calls=replayed_calls
    )
    return replace(finished, makespan_seconds=makespan)


def summary(rollouts: Sequence[Rollout]) -> dict[str, EvaluationMetric]:
    return {item.metric: item for item in summarise(rollouts, LABEL)}


def test_known_answers() -> None:
    rollouts = [
        done(place, float(place < 6), tokens=100.0 * (place + 1), cost=0.1, makespan=place + 1.0)
        for place in range(10)
    ]
    metrics = summary([*rollouts[::-1], failed(done(90, 0.0))])
    assert list(metrics) == [
        "score",
        "cost_usd",
        "cp_tokens_mean",
        "cp_tokens_p50",
        "cp_tokens_p90",
        "virtual_seconds_mean",
        "makespan_seconds_mean",
        "makespan_seconds_p50",
        "makespan_seconds_p90",
    ]
    assert {name: item.value for name, item in metrics.items()} == pytest.approx(
        {
            "score": 0.6,
            "cost_usd": 0.1,
            "cp_tokens_mean": 550.0,
            "cp_tokens_p50": 550.0,
            "cp_tokens_p90": 910.0,
            "virtual_seconds_mean": 11.0,
            "makespan_seconds_mean": 5.5,
            "makespan_seconds_p50": 5.5,
            "makespan_seconds_p90": 9.1,
        }
    )
    assert metrics["cost_usd"].value == ordered_sum([0.1] * 10) / 10
    for item in metrics.values():
        assert (item.n, item.failed, item.policy, item.split) == (10, 1, "lamas", "test")
        assert item.low is not None
        assert item.high is not None
        assert item.low <= item.value + 1e-12
        assert item.value <= item.high + 1e-12
    assert metrics["score"].method == "mean; clopper-pearson"
    assert (metrics["score"].low, metrics["score"].high) == pytest.approx(
        (0.2624, 0.8784), abs=1e-4
    )
    many = summary([done(place, float(place < 50)) for place in range(100)])["score"]
    assert many.method == "mean; wilson"
    assert many.low == pytest.approx(0.4038, abs=1e-4)


def test_wilson_stays_informative_at_the_ends() -> None:
    assert wilson(0, 20).low == 0.0
    assert wilson(0, 20).high == pytest.approx(0.1611, abs=1e-4)
    assert wilson(20, 20).high == 1.0
    assert wilson(50, 100).low == pytest.approx(0.4038, abs=1e-4)


def test_partial_scores_and_repeated_problems_are_bootstrapped_over_problems() -> None:
    half = summary([done(place, 0.5 * (place % 3)) for place in range(12)])["score"]
    assert half.method.startswith("mean; cluster bootstrap over 12 problems")
    # Every problem is always or never solved: repeating it tells nothing new.
    repeated = [
        done(10 * problem + sample, float(problem < 5), problem=f"p{problem}")
        for problem in range(10)
        for sample in range(8)
    ]
    score = summary(repeated)["score"]
    assert score.method.startswith("mean; cluster bootstrap over 10 problems")
    assert score.low is not None
    assert score.high is not None
    assert score.high - score.low > 0.5


def test_makespan_counts_only_what_was_measured() -> None:
    rollouts = [done(1, 1.0, makespan=3.0), done(2, 1.0, makespan=0.01, replayed_calls=2)]
    metrics = summary(rollouts)
    assert metrics["makespan_seconds_mean"].value == 3.0
    assert metrics["makespan_seconds_mean"].n == 1
    assert metrics["makespan_seconds_mean"].low is None
    assert metrics["cp_tokens_mean"].n == 2
    assert "makespan_seconds_mean" not in summary([rollouts[1]])


def test_nothing_to_evaluate_is_said_clearly() -> None:
    with pytest.raises(DomainError, match="none of 1 rollouts finished"):
        summary([failed(done(1, 0.0))])
    with pytest.raises(DomainError, match="rollout r001 is twice"):
        summary([done(1, 0.0), done(1, 1.0)])


def test_the_bootstrap_is_seeded_and_close_to_theory() -> None:
    values = np.random.default_rng(1).normal(10.0, 2.0, 200)
    rollouts = [done(place, 1.0, tokens=float(value)) for place, value in enumerate(values)]
    first = summary(rollouts)["cp_tokens_mean"]
    assert first == summary(rollouts)["cp_tokens_mean"]
    assert first.low is not None
    assert first.high is not None
    reach = 1.96 * float(values.std()) / math.sqrt(200)
    assert first.high - first.low == pytest.approx(2 * reach, rel=0.1)


def test_the_bootstrap_equals_resampling_one_by_one() -> None:
    clusters = ["a", "a", "b", "c", "c", "c"]
    values = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    interval = cluster_bootstrap(
        clusters, lambda weights: (weights @ values) / weights.sum(axis=1), seed=3, resamples=50
    )
    generator = np.random.Generator(np.random.Philox(key=3))
    means: list[float] = []
    for drawn in generator.integers(0, 3, size=(50, 3)):
        sample = [
            value
            for cluster in drawn
            for value, name in zip(values, clusters, strict=True)
            if name == "abc"[cluster]
        ]
        means.append(sum(sample) / len(sample))
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))


def test_quantiles_equal_those_of_sql() -> None:
    macro = Path(warehouse.__file__).parent / "macros" / "ordered_quantile.sql"
    spelled_out = "SELECT ordered_quantile(?::DOUBLE[], ?)"
    generator = np.random.default_rng(0)
    with duckdb.connect() as connection:
        connection.execute(macro.read_text())
        for q in (0.0, 0.5, 0.9, 1.0) * 5:
            values: list[float] = (generator.normal(size=generator.integers(1, 30)) * 1e3).tolist()
            found = quantile(values, q)
            built_in = f"SELECT quantile_cont(x, {q}) FROM (SELECT unnest(?::DOUBLE[]) AS x)"
            assert connection.execute(built_in, [values]).fetchone() == pytest.approx((found,))
            assert connection.execute(spelled_out, [values, q]).fetchone() == (found,)
            assert found == pytest.approx(float(np.quantile(values, q)))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 3)), min_size=1, max_size=12))
def test_weighted_quantiles_equal_those_of_repeated_values(items: list[tuple[float, int]]) -> None:
    items = [*items, (50.0, 1)]
    ordered = sorted(items)
    column = np.array([value for value, _ in ordered])
    weights = np.array([[weight for _, weight in ordered]])
    repeated = [value for value, weight in items for _ in range(weight)]
    for q in (0.0, 0.5, 0.9, 1.0):
        assert weighted_quantiles(column, weights, q)[0] == quantile(repeated, q)


def test_a_policy_does_not_differ_from_itself() -> None:
    rollouts = [done(place, float(place % 2), tokens=100.0 + place) for place in range(20)]
    for item in compare(rollouts, rollouts):
        assert (item.value, item.low, item.high, item.problems) == (0.0, 0.0, 0.0, 20)


def test_paired_differences_with_known_answers() -> None:
    a = [done(place, 1.0, tokens=50.0, cost=0.02, makespan=2.0) for place in range(10)]
    b = [done(place, float(place < 5), tokens=100.0, cost=0.01) for place in range(12)]
    found = {item.metric: item for item in compare(a, b)}
    assert found["score_difference"].value == pytest.approx(0.5)
    assert found["score_difference"].problems == 10
    assert found["cp_tokens_log_ratio"].value == pytest.approx(math.log(0.5))
    assert found["cp_tokens_log_ratio"].high == pytest.approx(math.log(0.5))
    assert found["cost_usd_log_ratio"].value == pytest.approx(math.log(2.0))
    assert found["makespan_seconds_log_ratio"].value == pytest.approx(math.log(2.0))
    low, high = found["score_difference"].low, found["score_difference"].high
    assert low is not None
    assert high is not None
    assert 0.1 < low < 0.5 < high < 0.9


def test_pairing_removes_what_the_problems_share() -> None:
    hard = np.random.default_rng(0).uniform(100, 10_000, 40)
    a = [done(place, 1.0, tokens=0.8 * float(t)) for place, t in enumerate(hard)]
    b = [done(place, 1.0, tokens=float(t)) for place, t in enumerate(hard)]
    ratio = next(item for item in compare(a, b) if item.metric == "cp_tokens_log_ratio")
    assert (ratio.low, ratio.high) == pytest.approx((math.log(0.8), math.log(0.8)))


@pytest.mark.slow
def test_ratios_that_mean_nothing_are_left_out() -> None:
    free = [done(1, 1.0, cost=0.0), done(2, 0.0, cost=0.0, replayed_calls=1)]
    assert [item.metric for item in compare(free, free)] == [
        "score_difference",
        "cp_tokens_log_ratio",
    ]
    with pytest.raises(DomainError, match="no problem in common"):
        compare([done(1, 1.0)], [done(2, 1.0)])
