"""Every query of a comparison against the same figure computed from the records in Python."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lamas.domain import ComparisonEstimate, ComparisonMember, Rollout
from lamas.evaluation import Tradeoff, benjamini_hochberg, hypervolume, quantile
from tests.factories import T0, make_problem, make_run
from tests.naive import naive_labels, plain_sum
from tests.random_rollouts import random_rollouts
from tests.report.comparison.conftest import (
    MARGIN,
    PAIRS,
    SEEDS,
    TRAINED,
    VARIANTS,
    Compared,
    right,
)
from tests.report.conftest import store
from warehouse import Warehouse
from warehouse.sql_files import QUERIES, sql_files
from warehouse.writer import Writer


def mean(values: Sequence[float]) -> float:
    return plain_sum(values) / len(values)


def scores(rollouts: Sequence[Rollout]) -> list[float]:
    return [item.score for item in rollouts if item.score is not None]


def own_means(compared: Compared) -> dict[str, dict[str, float]]:
    """Means of every variant as means_over_seeds gives them."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for item in compared.estimates:
        if not item.reference:
            found[item.variant][item.metric] = item.value
    return found


def test_there_is_one_test_for_each_query(compared: Compared) -> None:
    tested = {name.split("__", 1)[1] for name in globals() if name.startswith("test_query__")}
    assert tested == set(compared.frames)


def test_query__run(compared: Compared) -> None:
    run = compared.frames["run"].to_dicts()[0]
    training = [item for items in compared.training.values() for item in items]
    evaluated = [item for variant in VARIANTS for item in compared.shown(variant)]
    rollouts = [*training, *evaluated]
    calls = [call for item in rollouts for part in item.trace.invocations for call in part.calls]
    assert (run["run_id"], run["kind"], run["benchmark"]) == ("compare-1", "compare", "sums")
    assert run["rollouts"] == len(rollouts)
    assert run["failed_rollouts"] == sum(item.status == "failed" for item in rollouts)
    assert run["updates"] == 8
    assert run["attempts"] == len(calls)
    assert run["output_tokens"] == sum(call.usage_output_tokens for call in calls)
    assert run["cost_usd"] == pytest.approx(sum(call.cost_usd for call in calls))
    assert run["seconds"] == 59.0


def test_query__members(compared: Compared) -> None:
    found = compared.frames["members"].to_dicts()
    assert [(row["variant"], row["training_seed"]) for row in found] == sorted(
        (variant, seed)
        for variant in VARIANTS
        for seed in (SEEDS[:1] if variant.startswith("generate") else SEEDS)
    )
    for row in found:
        assert row["run_id"] == f"compare-1-{row['variant']}-{row['training_seed']}"
        assert row["learned"] == (row["variant"] in TRAINED)
        assert row["fixed"] == row["variant"].startswith("generate")
        assert (row["status"], row["evaluation_rollouts"]) == ("completed", 30)
        assert (row["updates"], row["training_rollouts"]) == ((2, 24) if row["learned"] else (0, 0))


def of_metric(
    compared: Compared, *, references: bool
) -> dict[tuple[str, str, str], ComparisonEstimate]:
    return {
        (item.variant, item.reference, item.metric): item
        for item in compared.estimates
        if bool(item.reference) == references and item.metric != "mcnemar"
    }


def test_query__variants(compared: Compared) -> None:
    found = {
        (row["variant"], row["reference"], row["metric"]): row
        for row in compared.frames["variants"].to_dicts()
    }
    expected = of_metric(compared, references=False)
    assert set(found) == set(expected)
    assert ("slow", "", "makespan_seconds") not in found
    for key, item in expected.items():
        row = found[key]
        # To the last bit.
        assert row["value"] == item.value
        assert (row["low"], row["high"], row["method"]) == (item.low, item.high, item.method)
        assert (row["seeds"], row["problems"], row["pairs"]) == (
            item.seeds,
            item.problems,
            item.pairs,
        )


def test_query__differences(compared: Compared) -> None:
    found = {
        (row["variant"], row["reference"], row["metric"]): row
        for row in compared.frames["differences"].to_dicts()
    }
    expected = of_metric(compared, references=True)
    assert set(found) == set(expected)
    assert {key[:2] for key in found} == set(PAIRS)
    assert ("fast", "slow", "makespan_seconds_log_ratio") not in found
    for key, item in expected.items():
        row = found[key]
        if item.metric == "score_difference":
            assert row["value"] == item.value
            assert (row["margin"], row["verdict"]) == (MARGIN, item.verdict)
        else:
            assert row["value"] == pytest.approx(item.value, abs=1e-12)
        assert (row["low"], row["high"], row["p_value"]) == (item.low, item.high, item.p_value)
        assert (row["seeds"], row["problems"], row["pairs"]) == (
            item.seeds,
            item.problems,
            item.pairs,
        )


def test_query__discordant(compared: Compared) -> None:
    found = {
        (row["variant"], row["reference"]): row for row in compared.frames["discordant"].to_dicts()
    }
    assert set(found) == set(PAIRS)
    for (variant, reference), row in found.items():
        a, b = right(compared.evaluated[variant]), right(compared.evaluated[reference])
        both = a.keys() & b.keys()
        assert row["problems"] == len(both)
        assert row["only_variant"] == sum(a[name] and not b[name] for name in both)
        assert row["only_reference"] == sum(b[name] and not a[name] for name in both)
        assert row["both_right"] == sum(a[name] and b[name] for name in both)
        assert row["both_wrong"] == sum(not a[name] and not b[name] for name in both)
    of = {(i.variant, i.reference): i for i in compared.estimates if i.metric == "mcnemar"}
    assert {key: (row["value"], row["p_value"]) for key, row in found.items()} == {
        key: (item.value, item.p_value) for key, item in of.items()
    }


def test_query__frontier(compared: Compared) -> None:
    means = own_means(compared)
    found = compared.frames["frontier"].to_dicts()
    assert {row["entrant"] for row in found} == set(VARIANTS)
    for row in found:
        mine = means[row["entrant"]]
        others = [of for name, of in means.items() if name != row["entrant"]]
        for metric in ("score", "cp_tokens", "cost_usd"):
            assert row[metric] == mine[metric]
            assert row[f"{metric}_low"] < row[metric] < row[f"{metric}_high"]
        assert row["dominated"] == any(
            of["score"] >= mine["score"]
            and of["cp_tokens"] <= mine["cp_tokens"]
            and of["cost_usd"] <= mine["cost_usd"]
            for of in others
        )
        for flag, expense in (("time", "cp_tokens"), ("cost", "cost_usd")):
            assert row[f"best_for_its_{flag}"] == (
                not any(
                    of["score"] >= mine["score"] and of[expense] <= mine[expense] for of in others
                )
            )
        assert row["fixed"] == row["entrant"].startswith("generate")
        assert row["learned"] == (row["entrant"] in TRAINED)


def test_query__hypervolume(compared: Compared) -> None:
    means = own_means(compared)
    groups = {
        "all": VARIANTS,
        "trained": TRAINED,
        "untrained": ("dice",),
        "fixed graphs": ("generate", "generate_cot"),
    }
    found = {
        (row["policies"], row["expense"]): row for row in compared.frames["hypervolume"].to_dicts()
    }
    assert set(found) == {(name, of) for name in groups for of in ("cp_tokens", "cost_usd")}
    for (name, expense), row in found.items():
        worst = max(of[expense] for of in means.values())
        points = [
            Tradeoff(variant, means[variant]["score"], means[variant][expense])
            for variant in groups[name]
        ]
        area = hypervolume(points, worst_score=0.0, worst_expense=worst)
        assert row["hypervolume"] == pytest.approx(area, abs=1e-15, rel=1e-12)
        assert row["share"] == pytest.approx(area / worst)
        assert (row["variants"], row["worst_expense"]) == (len(points), worst)
    assert found["all", "cp_tokens"]["hypervolume"] > 0.0


def test_query__cp_len(compared: Compared) -> None:
    found = {row["entrant"]: row for row in compared.frames["cp_len"].to_dicts()}
    assert set(found) == set(VARIANTS)
    for variant, row in found.items():
        lengths = sorted(item.cp_tokens for item in compared.finished(variant))
        assert (row["rollouts"], row["longest"]) == (len(lengths), lengths[-1])
        assert row["mean"] == pytest.approx(mean(lengths))
        for name in ("p05", "p25", "p50", "p75", "p90", "p95", "p99"):
            assert row[name] == pytest.approx(quantile(lengths, int(name[1:]) / 100))


def test_query__operator_mix(compared: Compared) -> None:
    expected: dict[tuple[object, ...], float] = {}
    groups: dict[tuple[str, str], list[Rollout]] = defaultdict(list)
    for (variant, _), items in compared.training.items():
        groups[variant, "before"] += [item for item in items if item.plan.step == 1]
    for variant in (*TRAINED, "dice"):
        groups[variant, "after"] += compared.shown(variant)
    for (variant, moment), items in groups.items():
        counts = Counter(
            (number, operator)
            for item in items
            for number, layer in enumerate(item.plan.graph.layers, start=1)
            for operator in layer.operators
        )
        for (layer, operator), count in counts.items():
            expected[variant, moment, layer, operator] = count / len(items)
    columns = ("entrant", "moment", "layer", "operator", "share")
    found = {row[:4]: row[4] for row in compared.frames["operator_mix"].select(columns).rows()}
    assert found == pytest.approx(expected)


def test_query__learning(compared: Compared) -> None:
    found = {
        (row["variant"], row["step"], row["curve"]): row
        for row in compared.frames["learning"].to_dicts()
    }
    assert len(found) == len(TRAINED) * 2 * 5
    for variant in TRAINED:
        for step in (1, 2):
            values: dict[str, list[float]] = defaultdict(list)
            for seed in SEEDS:
                batch = [
                    item
                    for item in compared.training[variant, seed]
                    if item.plan.step == step and item.status == "ok"
                ]
                values["score"].append(mean(scores(batch)))
                values["cp_tokens"].append(mean([item.cp_tokens for item in batch]))
                values["cost_usd"].append(mean([item.cost_usd for item in batch]))
                rewards = [
                    (item.score or 0.0) - 3.0 * item.cost_usd - 0.005 * item.virtual_seconds
                    for item in batch
                ]
                values["reward"].append(mean(rewards))
                values["entropy"].append(seed / step)
            for curve, of in values.items():
                row = found[variant, step, curve]
                assert row["seeds"] == len(SEEDS)
                assert (row["mean"], row["lowest"], row["highest"]) == pytest.approx(
                    (mean(of), min(of), max(of))
                )


def test_query__gantt(compared: Compared) -> None:
    found: dict[tuple[str, str], list[dict[str, object]]] = defaultdict(list)
    for row in compared.frames["gantt"].to_dicts():
        found[row["entrant"], row["example"]].append(row)
    assert len(found) == 2 * len(VARIANTS)
    for variant in VARIANTS:
        ranked = sorted(
            compared.finished(variant), key=lambda item: (item.cp_tokens, item.rollout_id)
        )
        for example, rollout in (
            ("typical", ranked[(len(ranked) - 1) // 2]),
            ("worst", ranked[-1]),
        ):
            rows = found[variant, example]
            assert {row["rollout_id"] for row in rows} == {rollout.rollout_id}
            labels = naive_labels(rollout.trace)
            assert [row["is_critical"] for row in rows] == [item.is_critical for item in labels]
            assert [row["cp_tokens"] for row in rows] == [
                item.cp_tokens for item in rollout.trace.invocations
            ]


def test_query__bottlenecks(compared: Compared) -> None:
    for variant in VARIANTS:
        rows = [r for r in compared.frames["bottlenecks"].to_dicts() if r["entrant"] == variant]
        assert sum(row["critical_path_share"] for row in rows) == pytest.approx(1.0)
        lengths: dict[tuple[int, str], list[float]] = defaultdict(list)
        critical: Counter[tuple[int, str]] = Counter()
        for rollout in compared.finished(variant):
            for item, of in zip(
                rollout.trace.invocations, naive_labels(rollout.trace), strict=True
            ):
                lengths[item.layer, item.operator].append(item.cp_tokens)
                critical[item.layer, item.operator] += of.is_critical
        assert {(row["layer"], row["operator"]) for row in rows} == set(lengths)
        for row in rows:
            key = row["layer"], row["operator"]
            assert row["invocations"] == len(lengths[key])
            assert row["critical_share"] == pytest.approx(critical[key] / len(lengths[key]))
            assert row["cp_tokens_p50"] == pytest.approx(quantile(sorted(lengths[key]), 0.5))
            assert row["cp_tokens_p90"] == pytest.approx(quantile(sorted(lengths[key]), 0.9))


@pytest.mark.slow
def test_query__spending(compared: Compared) -> None:
    expected: dict[tuple[str, str, str | None], list[float]] = defaultdict(list)
    for variant in VARIANTS:
        trained = [
            i for key, items in compared.training.items() if key[0] == variant for i in items
        ]
        for purpose, items in (("evaluate", compared.shown(variant)), ("train", trained)):
            for rollout in items:
                for part in rollout.trace.invocations:
                    for call in part.calls:
                        expected[variant, purpose, part.operator].append(call.cost_usd)
                        expected[variant, purpose, None].append(call.cost_usd)
    found = {
        (row["variant"], row["purpose"], row["operator"]): row
        for row in compared.frames["spending"].to_dicts()
    }
    assert set(found) == set(expected)
    totals = {
        variant: sum(sum(of) for key, of in expected.items() if key[0] == variant and key[2])
        for variant in VARIANTS
    }
    for key, of in expected.items():
        assert found[key]["attempts"] == len(of)
        assert found[key]["cost_usd"] == pytest.approx(sum(of))
        assert found[key]["share_of_variant"] == pytest.approx(sum(of) / totals[key[0]])


@pytest.mark.slow
def test_benchmarks_are_adjusted_as_benjamini_and_hochberg_do(
    compared: Compared, tmp_path: Path
) -> None:
    warehouse = Warehouse.open(tmp_path / "benchmarks.duckdb", create=True)
    writer = Writer(warehouse)
    template = next(i for i in compared.estimates if i.metric == "score_difference")
    given = {"a": 0.03, "b": 0.001, "c": 0.04, "d": 0.04, "f": None}
    for place, (benchmark, p_value) in enumerate(given.items()):
        problems = [make_problem(0, benchmark=benchmark)]
        writer.add_problems(problems, np.ones((1, 384), dtype=np.float32))
        # An older and an unfinished comparison of the same benchmark do not count.
        tries = [(2, 0.5), (1, p_value), (0, 0.5)] if benchmark == "a" else [(1, p_value)]
        for age, p in tries:
            run_id = f"compare-{benchmark}-{age}"
            writer.add_run(replace(make_run(run_id), kind="compare", started_at=T0))
            writer.add_run(replace(make_run(f"{run_id}-m"), kind="variant", started_at=T0))
            member = random_rollouts(
                1,
                seed=place,
                run_id=f"{run_id}-m",
                problem_ids=[problems[0].problem_id],
                checkpoint_id=None,
                failed_share=0.0,
            )
            store(writer, member)
            add_member(writer, run_id)
            writer.add_comparison_estimates(
                [replace(template, comparison_run_id=run_id, p_value=p)]
            )
            ended = T0 + 100 - age
            if age == 0:
                writer.finish_run(run_id, "failed", ended_at=ended, error="stopped")
            else:
                writer.finish_run(run_id, "completed", ended_at=ended)
    text = next(file.text for file in sql_files(QUERIES) if file.name == "compare_benchmarks")
    found = {row["benchmark"]: row for row in warehouse.query(text).to_dicts()}
    assert {name: row["p_value"] for name, row in found.items()} == given
    adjusted = benjamini_hochberg({k: p for k, p in given.items() if p is not None})
    assert found["f"]["p_adjusted"] is None
    for name, p in adjusted.items():
        assert found[name]["p_adjusted"] == pytest.approx(p, abs=1e-15)
        assert found[name]["comparison_run_id"] == f"compare-{name}-1"


def add_member(writer: Writer, run_id: str) -> None:
    writer.add_comparison_members(
        [
            ComparisonMember(
                comparison_run_id=run_id,
                variant="fast",
                training_seed=0,
                run_id=f"{run_id}-m",
                learned=True,
            )
        ]
    )
