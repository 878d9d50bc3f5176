"""What SQL computes again from calls and tool runs equals what Python reported, bit for bit."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.factories import Step, make_call, make_rollout, make_run, make_tool, step
from tests.naive import naive_credits, plain_sum
from tests.random_rollouts import random_rollouts
from tests.warehouse.records import WIDE, evaluation_rollouts, make_metric, rows
from warehouse import Warehouse
from warehouse.writer import Writer

pytestmark = pytest.mark.slow

Store = Callable[..., int]


def test_invocation_recomputed_takes_the_slowest_branch_of_each_stage(
    store: Store, warehouse: Warehouse
) -> None:
    item = Step(
        operator="Programmer",
        calls=(
            make_call(100, stage=0, branch=0, cost_usd=0.1),
            make_call(40, stage=0, branch=1, cost_usd=0.2),
            make_call(7, stage=1, cost_usd=0.3),
        ),
        # 40 + 50 · 2 = 140 tokens beat 100.
        tools=(make_tool(2.0, stage=0, branch=1), make_tool(0.5, stage=1)),
    )
    store(make_rollout([[item]]))
    found = rows(
        warehouse,
        "SELECT output_tokens, tool_seconds, cp_tokens, cost_usd, total_output_tokens "
        "FROM invocation_recomputed",
    )
    assert found == [(47, 2.5, 172.0, 0.1 + 0.2 + 0.3, 147)]


def test_layer_recomputed_is_the_maximum_or_in_sequence_the_sum(
    store: Store, warehouse: Warehouse
) -> None:
    layers = [[step("Generate", 100), step("GenerateCoT", 300)]]
    store(
        make_rollout(layers, rollout_id="a"),
        make_rollout(layers, rollout_id="b", execution_mode="sequential", sample_index=1),
    )
    found = rows(warehouse, "SELECT rollout_id, layer, cp_tokens FROM layer_recomputed ORDER BY 1")
    assert found == [("a", 1, 300.0), ("b", 1, 400.0)]


def test_rollout_recomputed_adds_layers_and_costs(store: Store, warehouse: Warehouse) -> None:
    store(WIDE)
    found = rows(
        warehouse,
        "SELECT score, cost_usd, cp_tokens, virtual_seconds, makespan_seconds, replayed_calls "
        "FROM rollout_recomputed",
    )
    assert found == [(1.0, 0.001 + 0.002 + 0.004, 350.0, 7.0, 2.0, 0)]


def test_credits_recomputed_follow_the_four_rules(store: Store, warehouse: Warehouse) -> None:
    store(WIDE)
    found = rows(
        warehouse,
        "SELECT credit_rule, operator, cost_term, latency_term FROM credits_recomputed "
        "ORDER BY credit_rule, operator",
    )
    everything, post = 3.0 * WIDE.cost_usd, 0.004
    assert found == [
        ("cost_only", "Generate", -everything, 0.0),
        ("cost_only", "GenerateCoT", -everything, 0.0),
        ("critical_path", "Generate", -everything, 0.0),
        ("critical_path", "GenerateCoT", -everything, -0.005 * 7.0),
        ("marginal", "Generate", -3.0 * (0.001 + post), -0.005 * 1.0),
        ("marginal", "GenerateCoT", -3.0 * (0.002 + post), -0.005 * 5.0),
        ("uniform", "Generate", -everything, -0.005 * 7.0),
        ("uniform", "GenerateCoT", -everything, -0.005 * 7.0),
    ]


def test_evaluated_rollouts_are_the_last_try_of_each_slot(
    store: Store, warehouse: Warehouse
) -> None:
    broken = Step(operator="Generate", error="broken")
    store(
        make_rollout([[broken]], rollout_id="first", purpose="evaluate"),
        make_rollout(rollout_id="second", purpose="evaluate", retry=1),
        make_rollout(rollout_id="other", purpose="evaluate", sample_index=1),
        make_rollout(rollout_id="training"),
    )
    found = rows(warehouse, "SELECT rollout_id, split FROM evaluated_rollouts ORDER BY rollout_id")
    assert found == [("other", "train"), ("second", "train")]


def test_evaluation_recomputed_averages_in_order_and_interpolates(
    store: Store, warehouse: Warehouse
) -> None:
    rollouts = evaluation_rollouts(70)
    store(*rollouts)
    found = rows(warehouse, "SELECT metric, value, n, failed FROM evaluation_recomputed")
    finished = sorted(
        (item for item in rollouts if item.status == "ok"), key=lambda item: item.order
    )
    n, failed = len(finished), 70 - len(finished)
    assert failed > 0
    expected: list[tuple[str, float, int, int]] = []
    for name, values in (
        ("cp_tokens", [item.cp_tokens for item in finished]),
        ("makespan_seconds", [item.makespan_seconds for item in finished]),
    ):
        expected.append((f"{name}_mean", plain_sum(values) / n, n, failed))
        expected.append((f"{name}_p50", interpolated(values, 0.5), n, failed))
        expected.append((f"{name}_p90", interpolated(values, 0.9), n, failed))
    times = plain_sum(item.virtual_seconds for item in finished)
    expected.append(("virtual_seconds_mean", times / n, n, failed))
    expected.append(("cost_usd", plain_sum(item.cost_usd for item in finished) / n, n, failed))
    expected.append(("score", plain_sum(item.score or 0.0 for item in finished) / n, n, failed))
    assert set(found) == set(expected)


def test_recomputation_is_exact_on_random_floats(store: Store, warehouse: Warehouse) -> None:
    rollouts = random_rollouts(300, seed=11, failed_share=0.1)
    store(*rollouts)
    found = rows(
        warehouse,
        "SELECT rollout_id, cost_usd, cp_tokens, virtual_seconds, makespan_seconds "
        "FROM rollout_recomputed",
    )
    assert {row[0]: row[1:] for row in found} == {
        item.rollout_id: (
            item.cost_usd,
            item.cp_tokens,
            item.virtual_seconds,
            item.makespan_seconds,
        )
        for item in rollouts
    }
    found = rows(
        warehouse,
        "SELECT invocation_id, output_tokens, tool_seconds, cp_tokens, cost_usd, "
        "total_input_tokens, total_output_tokens FROM invocation_recomputed",
    )
    assert {row[0]: row[1:] for row in found} == {
        item.invocation_id: (
            item.output_tokens,
            item.tool_seconds,
            item.cp_tokens,
            item.cost_usd,
            item.total_input_tokens,
            item.total_output_tokens,
        )
        for rollout in rollouts
        for item in rollout.trace.invocations
    }


@pytest.mark.parametrize("rule", ["critical_path", "uniform", "cost_only", "marginal"])
def test_credits_are_recomputed_exactly_on_random_floats(
    store: Store, writer: Writer, warehouse: Warehouse, rule: str
) -> None:
    lambda_c, lambda_t = 2.718281828459045, 0.0031415926535897933
    writer.add_run(make_run("run-2", lambda_c=lambda_c, lambda_t=lambda_t))
    rollouts = random_rollouts(100, seed=12, run_id="run-2", failed_share=0.0)
    store(*rollouts)
    found = rows(
        warehouse,
        "SELECT rollout_id, layer, operator, score_term, cost_term, latency_term, reward "
        f"FROM credits_recomputed WHERE credit_rule = '{rule}'",
    )
    credits = [
        credit
        for item in rollouts
        for credit in naive_credits(item, rule, lambda_c=lambda_c, lambda_t=lambda_t)
    ]
    assert set(found) == {
        (
            credit.rollout_id,
            credit.layer,
            credit.operator,
            credit.score_term,
            credit.cost_term,
            credit.latency_term,
            credit.reward,
        )
        for credit in credits
    }


def interpolated(values: list[float], share: float) -> float:
    """Linear interpolation between the two nearest ranks."""
    ordered = sorted(values)
    position = (len(ordered) - 1) * share
    low, high = ordered[math.floor(position)], ordered[math.ceil(position)]
    return low + (high - low) * (position - math.floor(position))


def test_an_evaluation_over_both_splits_is_recomputed_for_all(
    store: Store, warehouse: Warehouse
) -> None:
    right = make_rollout(rollout_id="a", purpose="evaluate", score=1.0, checkpoint_id="lamas-1")
    wrong = make_rollout(
        rollout_id="b",
        purpose="evaluate",
        score=0.0,
        checkpoint_id="lamas-1",
        problem_id="sums/v1/7",
    )
    store(right, wrong)
    scores = "SELECT split, value FROM evaluation_recomputed WHERE metric = 'score' ORDER BY ALL"
    assert rows(warehouse, scores) == [("test", 0.0), ("train", 1.0)]
    stated = replace(make_metric(value=0.5), split="all", n=2, failed=0)
    Writer(warehouse).add_evaluations([stated])
    assert rows(warehouse, scores) == [("all", 0.5), ("test", 0.0), ("train", 1.0)]
    assert [item.name for item in warehouse.audit() if item.rows.height] == []


def test_judging_runs_are_rows_that_charge_nothing(store: Store, warehouse: Warehouse) -> None:
    tool = make_tool(2.0)
    rollout = make_rollout([[Step(operator="Programmer", calls=(make_call(),), tools=(tool,))]])
    judging = (
        replace(tool, role="candidate", stage=0, charged_seconds=0.0),
        replace(tool, role="checker", stage=0, charged_seconds=0.0),
    )
    store(replace(rollout, judging=judging))
    found = rows(
        warehouse, "SELECT tool_index, role, charged_seconds FROM tool_executions ORDER BY ALL"
    )
    assert found == [(0, "operator", 2.0), (1, "candidate", 0.0), (2, "checker", 0.0)]
    assert rows(warehouse, "SELECT tool_seconds FROM invocation_recomputed") == [(2.0,)]
    assert [item.name for item in warehouse.audit() if item.rows.height] == []
