"""Latency models in SQL: predictions, labels, makespans, credits and figures, recomputed."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest
from scipy import stats

from lamas.domain import Rollout
from lamas.errors import WarehouseError
from tests.factories import Step, make_call, make_rollout, step
from tests.naive import naive_labels
from tests.random_rollouts import random_rollouts
from tests.warehouse.latency import (
    MODEL,
    fitted_credits,
    make_fit,
    predicted_makespan,
    predictions_of,
    timed_trace,
)
from tests.warehouse.records import rows
from warehouse import Warehouse
from warehouse.call_times import CallTimes
from warehouse.reader import Reader
from warehouse.reports import run_report
from warehouse.writer import Writer

pytestmark = pytest.mark.slow

Store = Callable[..., int]

RULES = ("critical_path", "uniform", "cost_only", "marginal")


@pytest.fixture
def batch(store: Store) -> tuple[Rollout, ...]:
    """Stored rollouts, parallel and sequential, with retries, branches and tool runs."""
    found = random_rollouts(60, seed=5, failed_share=0.0)
    found = tuple(
        replace(
            item,
            plan=replace(item.plan, execution_mode="sequential"),
            trace=replace(item.trace, execution_mode="sequential"),
        )
        if place % 3 == 0
        else item
        for place, item in enumerate(found)
    )
    store(*found)
    return found


def test_predictions_and_credits_are_recomputed_to_the_last_bit(
    batch: tuple[Rollout, ...], writer: Writer, warehouse: Warehouse
) -> None:
    writer.add_latency_fit(make_fit(), [])
    predictions = predictions_of(batch)
    credits = [
        credit
        for place, item in enumerate(batch)
        for credit in fitted_credits(item, RULES[place % 4])
    ]
    writer.add_credits(credits, predictions=predictions)
    writer.add_credits(credits, predictions=predictions)
    recomputed = rows(warehouse, "SELECT invocation_id, seconds FROM predicted_recomputed")
    assert set(recomputed) == {(item.invocation_id, item.seconds) for item in predictions}
    makespans = rows(warehouse, "SELECT rollout_id, seconds, held_out FROM predicted_rollouts")
    assert set(makespans) == {(item.rollout_id, predicted_makespan(item), False) for item in batch}
    labels = rows(
        warehouse,
        "SELECT invocation_id, is_critical, layer_max_seconds, layer_second_seconds "
        "FROM predicted_labels",
    )
    assert set(labels) == {
        (own.invocation_id, own.is_critical, own.layer_max_tokens, own.layer_second_tokens)
        for item in batch
        for own in naive_labels(timed_trace(item))
    }
    differing = {item.name for item in warehouse.audit() if item.rows.height}
    # The trace of a rollout turned sequential no longer gives the CP_len that was made parallel.
    assert differing <= {"rollout_totals_differ", "latency_models_differ"}
    assert Reader(warehouse).credits(run_id="run-1") != ()
    assert {item.latency_model_id for item in Reader(warehouse).credits(run_id="run-1")} == {
        MODEL.latency_model_id
    }


def test_a_credit_by_another_clock_is_a_contradiction(
    batch: tuple[Rollout, ...], writer: Writer
) -> None:
    writer.add_latency_fit(make_fit(), [])
    credits = fitted_credits(batch[0], "uniform")
    writer.add_credits(credits, predictions=predictions_of(batch[:1]))
    by_proxy = [replace(item, latency_model_id=None) for item in credits]
    with pytest.raises(WarehouseError, match="already stored with another latency_model_id"):
        writer.add_credits(by_proxy)


def test_held_out_figures_are_recomputed(
    store: Store, writer: Writer, warehouse: Warehouse
) -> None:
    held_out = random_rollouts(40, seed=6, failed_share=0.0)
    store(*held_out)
    writer.add_latency_fit(make_fit(held_out), predictions_of(held_out, held_out=True))
    assert [item.name for item in warehouse.audit() if item.rows.height] == []
    report = run_report(warehouse, "run-1")["latency_models"]
    assert report["spearman"].item() == pytest.approx(make_fit(held_out).held_out.spearman)
    assert report["request_model"].item() == "gpt-4o-mini"


def test_a_model_is_found_by_id_by_age_and_by_the_credits_that_rest_on_it(
    batch: tuple[Rollout, ...], writer: Writer, warehouse: Warehouse
) -> None:
    times = CallTimes(warehouse)
    with pytest.raises(WarehouseError, match=r"no latency model of gpt-4o-mini .*lamas latency"):
        times.latest_latency_model("gpt-4o-mini")
    with pytest.raises(WarehouseError, match="latency model x is not in warehouse"):
        times.latency_model("x")
    later = replace(MODEL, reference_load=1.0)
    writer.add_latency_fit(make_fit(), [])
    writer.add_latency_fit(replace(make_fit(fitted_at=2e9), model=later), [])
    assert times.latest_latency_model("gpt-4o-mini") == later
    assert times.latency_model(MODEL.latency_model_id) == MODEL
    assert times.credited_latency_model("run-1") is None
    writer.add_credits(fitted_credits(batch[0], "uniform"), predictions=predictions_of(batch[:1]))
    assert times.credited_latency_model("run-1") == MODEL


def test_only_calls_that_were_sent_are_measured(store: Store, warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseError, match="holds no answered model call"):
        CallTimes(warehouse).latest_measured_run()
    replayed = Step(operator="Generate", calls=(make_call(replayed=True),))
    store(
        make_rollout([[step("Generate", 70, seconds=2.0)]], rollout_id="a"),
        make_rollout([[replayed]], rollout_id="b", sample_index=1),
    )
    (call,) = CallTimes(warehouse).sent_calls("run-1")
    assert (call.rollout_id, call.ok, call.usage_output_tokens, call.seconds) == (
        "a",
        True,
        70,
        2.0,
    )
    assert CallTimes(warehouse).sent_calls(None) == (call,)
    assert CallTimes(warehouse).sent_calls("other") == ()
    assert CallTimes(warehouse).latest_measured_run() == "run-1"


def test_correlations_of_the_proxy_are_those_of_scipy(store: Store, warehouse: Warehouse) -> None:
    rollouts = random_rollouts(80, seed=9, failed_share=0.1)
    store(*rollouts)
    report = run_report(warehouse, "run-1")
    measured = [item for item in rollouts if item.status == "ok" and not item.replayed_calls]
    assert 0 < len(measured) < len(rollouts)
    pairs = [(item.cp_tokens, item.makespan_seconds) for item in measured]
    expected = (len(pairs), *correlations(pairs))
    assert report["proxy_rollouts"].row(0) == pytest.approx(expected)
    by_operator: dict[str, list[tuple[float, float]]] = {}
    for item in measured:
        for own in item.trace.invocations:
            by_operator.setdefault(own.operator, []).append((own.cp_tokens, own.seconds))
    found = {row[0]: row[1:4] for row in report["proxy_operators"].iter_rows()}
    assert set(found) == set(by_operator)
    for operator, points in by_operator.items():
        if len({a for a, _ in points}) > 1 and len({b for _, b in points}) > 1:
            expected = (len(points), *correlations(points))
            assert found[operator] == pytest.approx(expected), operator
        else:
            assert found[operator] == (len(points), None, None)
    prediction = rows(warehouse, "SELECT correlation, rank_correlation FROM latency_prediction")
    assert prediction == [pytest.approx(correlations(pairs))]


def correlations(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    left, right = [a for a, _ in pairs], [b for _, b in pairs]
    linear, of_ranks = stats.pearsonr(left, right), stats.spearmanr(left, right)
    return cast("tuple[float, float]", linear)[0], cast("tuple[float, float]", of_ranks)[0]
