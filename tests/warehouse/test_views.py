"""Every view: given these rollouts, expect these rows."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from lamas.domain import Rollout
from tests.factories import Step, make_call, make_rollout, make_run, step
from tests.random_rollouts import random_rollouts
from tests.warehouse.latency import make_fit, predictions_of
from tests.warehouse.records import WIDE, make_update, rows
from warehouse import Warehouse
from warehouse.reports import OF_COMPARISON, OF_RUN, SHARED
from warehouse.sql_files import QUERIES, VIEWS, SqlFile, sql_files
from warehouse.writer import Writer

Store = Callable[..., int]

NEED_AN_EVALUATION = {
    "who_became_champion",
    "run/candidates",
    "run/deadlines",
    "run/headline",
    "run/differences",
    "run/latency_models",
    "compare_benchmarks",
    "questions_with_an_answer",
    "who_is_right_judge_or_people",
    "which_deadline_was_kept",
    "who_waits_for_whom",
    "how_steady_is_the_champion",
    "how_much_of_the_gap_is_closed",
    "run/gaps_closed",
    "what_is_an_operator_worth",
    "run/operator_values",
    "is_there_anything_to_learn",
    "run/oracle_gaps",
}
"""Their tables are empty in the full warehouse; others test them."""

QUESTIONS = {
    **{query.name: query for query in sql_files(QUERIES)},
    **{
        f"{folder.name}/{query.name}": query
        for folder in (SHARED, OF_RUN, OF_COMPARISON)
        for query in sql_files(folder)
    },
}


def name_of(file: SqlFile) -> str:
    return file.name


@pytest.mark.slow
@pytest.mark.parametrize("view", [file.name for file in sql_files(VIEWS)])
def test_every_view_is_empty_or_answers_on_an_empty_warehouse(empty: Warehouse, view: str) -> None:
    assert empty.query(f"FROM {view}").is_empty()


@pytest.mark.slow
@pytest.mark.parametrize("view", sql_files(VIEWS), ids=name_of)
def test_every_view_states_its_grain_and_is_named_as_its_file(
    view: SqlFile, empty: Warehouse
) -> None:
    assert view.text.startswith("-- Grain: ")
    assert f"CREATE OR REPLACE VIEW {view.name} AS" in view.text
    comment = "SELECT comment FROM duckdb_views() WHERE view_name = ?"
    assert empty.query(comment, [view.name]).item() == view.headline


@pytest.mark.slow
@pytest.mark.parametrize("place", QUESTIONS)
def test_every_query_runs_on_an_empty_and_on_a_full_warehouse(
    place: str, empty: Warehouse, full: Warehouse
) -> None:
    text = QUESTIONS[place].text
    assert text.startswith("-- ")
    assert empty.query(text).is_empty()
    if place not in NEED_AN_EVALUATION and not place.startswith(OF_COMPARISON.name):
        # The queries of a report are about one run, the others about all.
        assert not full.query(text, run_id="run-1").is_empty()


@pytest.mark.slow
def test_operator_bottlenecks_share_the_critical_path_among_ties(
    store: Store, warehouse: Warehouse
) -> None:
    tie = [[step("Generate", 100), step("GenerateCoT", 100)], [step("SelfRefine", 300)]]
    store(make_rollout(tie), make_rollout(tie, rollout_id="other", sample_index=1))
    found = rows(
        warehouse,
        "SELECT layer, operator, invocations, critical_invocations, cp_tokens_p50, cp_tokens_p99, "
        "seconds_p50, critical_path_share FROM operator_bottlenecks ORDER BY layer, operator",
    )
    assert found == [
        (1, "Generate", 2, 2, 100.0, 100.0, 1.0, 0.125),
        (1, "GenerateCoT", 2, 2, 100.0, 100.0, 1.0, 0.125),
        (2, "SelfRefine", 2, 2, 300.0, 300.0, 1.0, 0.75),
    ]


@pytest.mark.slow
def test_timeline_starts_a_layer_where_the_slowest_before_ended(
    store: Store, warehouse: Warehouse
) -> None:
    layers = [[step("Generate", 100), step("GenerateCoT", 300)], [step("SelfRefine", 50)]]
    store(
        make_rollout(layers, rollout_id="a"),
        make_rollout(layers, rollout_id="b", execution_mode="sequential", sample_index=1),
    )
    found = rows(
        warehouse, "SELECT rollout_id, operator, start_tokens FROM timeline ORDER BY 1, layer, 3, 2"
    )
    assert found == [
        ("a", "Generate", 0.0),
        ("a", "GenerateCoT", 0.0),
        ("a", "SelfRefine", 300.0),
        ("b", "Generate", 0.0),
        ("b", "GenerateCoT", 100.0),
        ("b", "SelfRefine", 400.0),
    ]


def test_critical_shares_of_a_rollout_add_up_to_its_cp_len(full: Warehouse) -> None:
    found = rows(
        full,
        "SELECT rollout_id, sum(critical_tokens), any_value(rollouts.cp_tokens) "
        "FROM critical_shares INNER JOIN rollouts USING (rollout_id) GROUP BY rollout_id",
    )
    assert len(found) == 100
    for name, total, stated in found:
        assert total == pytest.approx(stated), name


@pytest.mark.slow
def test_rollouts_in_order_counts_within_run_and_purpose(
    store: Store, warehouse: Warehouse
) -> None:
    store(
        make_rollout(rollout_id="later", at_step=2),
        make_rollout(rollout_id="other problem", problem_id="sums/v1/1"),
        make_rollout(rollout_id="second sample", sample_index=1),
        make_rollout(rollout_id="first"),
        make_rollout(rollout_id="evaluated", purpose="evaluate"),
    )
    found = rows(
        warehouse,
        "SELECT rollout_id, sum_order FROM rollouts_in_order ORDER BY purpose DESC, sum_order",
    )
    assert found == [
        ("first", 1),
        ("second sample", 2),
        ("other problem", 3),
        ("later", 4),
        ("evaluated", 1),
    ]


ASKED_BY_RUN = (
    "credits_recomputed",
    "critical_shares",
    "invocation_recomputed",
    "layer_recomputed",
    "predicted_invocations",
    "predicted_labels",
    "predicted_rollouts",
    "rollout_recomputed",
    "timeline",
)


@pytest.mark.slow
def test_what_a_view_says_of_one_run_does_not_depend_on_asking_for_it_alone(
    store: Store, writer: Writer, warehouse: Warehouse
) -> None:
    writer.add_run(make_run("run-2"))
    stored = (*random_rollouts(40, seed=3), *random_rollouts(40, seed=4, run_id="run-2"))
    store(*stored)
    writer.add_latency_fit(make_fit(), predictions_of(stored))
    for view in ASKED_BY_RUN:
        alone = warehouse.query(f"FROM {view} WHERE run_id = 'run-2'")
        both = warehouse.query(f"FROM {view}")
        of_one = [row for row in both.rows(named=True) if row["run_id"] == "run-2"]
        assert 0 < len(of_one) < both.height, view
        same = sorted(map(repr, alone.rows(named=True))) == sorted(map(repr, of_one))
        assert same, view


@pytest.mark.slow
def test_operator_counterfactual_drops_a_layer_to_its_second_largest(
    store: Store, warehouse: Warehouse
) -> None:
    store(WIDE)
    found = rows(
        warehouse,
        "SELECT operator, cp_tokens_mean, cp_tokens_mean_without, virtual_seconds_mean_without, "
        "round(cost_usd_mean_without, 9) FROM operator_counterfactual ORDER BY operator",
    )
    assert found == [
        ("Generate", 350.0, 350.0, 7.0, 0.006),
        ("GenerateCoT", 350.0, 150.0, 3.0, 0.005),
        ("ScEnsemble", 350.0, 300.0, 6.0, 0.003),
    ]


@pytest.mark.slow
def test_spending_counts_failures_and_what_failed_rollouts_cost(
    store: Store, warehouse: Warehouse
) -> None:
    good = Step(
        operator="Generate",
        calls=(make_call(error="APIError: 500"), make_call(10, attempt=2, cost_usd=0.75)),
    )
    bad = Step(operator="Generate", calls=(make_call(10, cost_usd=0.25),), error="broken")
    store(make_rollout([[good]]), make_rollout([[bad]], rollout_id="failed", sample_index=1))
    found = rows(
        warehouse,
        "SELECT operator, attempts, failed_attempts, cost_usd, cost_usd_failed_rollouts, "
        "share_of_run, input_tokens, output_tokens FROM spending",
    )
    assert found == [("Generate", 3, 1, 1.0, 0.25, 1.0, 100, 20)]


@pytest.mark.slow
def test_operator_mix_drift_compares_with_the_checkpoint_before(
    store: Store, warehouse: Warehouse
) -> None:
    store(
        make_rollout([[step("Generate", 1), step("GenerateCoT", 1)]], rollout_id="a"),
        make_rollout(
            [[step("GenerateCoT", 1)]], rollout_id="b", checkpoint_id="lamas-1", at_step=2
        ),
    )
    found = rows(
        warehouse,
        "SELECT step, operator, decisions, share, change, mix_distance FROM operator_mix_drift "
        "ORDER BY step, operator",
    )
    assert found == [
        (0, "Generate", 1, 0.5, None, None),
        (0, "GenerateCoT", 1, 0.5, None, None),
        (1, "Generate", 0, 0.0, -0.5, 0.5),
        (1, "GenerateCoT", 1, 1.0, 0.5, 0.5),
    ]


@pytest.mark.slow
def test_latency_prediction_correlates_measured_rollouts_only(
    store: Store, warehouse: Warehouse
) -> None:
    replayed = Step(operator="Generate", calls=(make_call(100, seconds=99.0, replayed=True),))
    store(
        make_rollout([[step("Generate", 100, seconds=1.0)]], rollout_id="a"),
        make_rollout([[step("Generate", 200, seconds=2.0)]], rollout_id="b", sample_index=1),
        make_rollout([[step("Generate", 400, seconds=4.0)]], rollout_id="c", sample_index=2),
        make_rollout([[replayed]], rollout_id="d", sample_index=3),
    )
    found = rows(
        warehouse,
        "SELECT rollouts, round(correlation, 9), round(seconds_per_token, 9), "
        "round(makespan_over_t_p50, 9) FROM latency_prediction",
    )
    assert found == [(3, 1.0, 0.01, 0.5)]


@pytest.mark.slow
def test_frontier_marks_what_another_policy_beats(store: Store, warehouse: Warehouse) -> None:
    def evaluated(name: str, tokens: int, cost: float, score: float) -> Rollout:
        return make_rollout(
            [[step("Generate", tokens, cost_usd=cost)]],
            rollout_id=name,
            policy=name,
            purpose="evaluate",
            mode="decided",
            score=score,
            problem_id="sums/v1/7",
        )

    broken = Step(operator="Generate", error="broken")
    store(
        evaluated("good", 100, 0.01, 1.0),
        evaluated("cheap", 100, 0.001, 0.5),
        evaluated("slow", 200, 0.01, 1.0),
        evaluated("twin", 100, 0.01, 1.0),
        make_rollout([[broken]], rollout_id="x", policy="down", purpose="evaluate"),
    )
    found = rows(
        warehouse,
        "SELECT policy, split, rollouts, failed_rollouts, score, dominated FROM frontier "
        "ORDER BY policy",
    )
    assert found == [
        ("cheap", "test", 1, 0, 0.5, False),
        ("down", "train", 0, 1, None, False),
        ("good", "test", 1, 0, 1.0, False),
        ("slow", "test", 1, 0, 1.0, True),
        ("twin", "test", 1, 0, 1.0, False),
    ]


@pytest.mark.slow
def test_failed_calls_tell_recovered_from_lost(store: Store, warehouse: Warehouse) -> None:
    saved = Step(
        operator="Generate",
        calls=(make_call(error="RateLimitError: 429", seconds=0.5), make_call(attempt=2)),
    )
    lost = Step(
        operator="Generate",
        calls=(make_call(error="RateLimitError: 429"), make_call(error="Timeout", attempt=2)),
        error="ModelUnreachableError",
    )
    store(make_rollout([[saved]]), make_rollout([[lost]], rollout_id="lost", sample_index=1))
    found = rows(
        warehouse,
        "SELECT reason, failed_attempts, calls, recovered_calls, lost_calls, highest_attempt, "
        "round(seconds_lost, 3) FROM failed_calls ORDER BY reason",
    )
    assert found == [
        ("RateLimitError: 429", 2, 2, 1, 1, 1, 1.5),
        ("Timeout", 1, 1, 0, 1, 2, 1.0),
    ]


@pytest.mark.slow
def test_odd_answers_count_each_remark_by_how_the_answer_ended(
    store: Store, warehouse: Warehouse
) -> None:
    thought = replace(
        make_call(cost_usd=0.5),
        response_finish_reasons=("length",),
        remarks=("no_text", "only_reasoning"),
    )
    cached = replace(make_call(cost_usd=0.25), usage_input_tokens=100, usage_cached_tokens=60)
    step_of = Step(operator="Generate", calls=(thought, replace(cached, branch=1)))
    store(make_rollout([[step_of]]), make_rollout([[step_of]], rollout_id="b", sample_index=1))
    found = rows(warehouse, "SELECT * EXCLUDE (request_model) FROM odd_answers ORDER BY remark")
    assert found == [
        ("run-1", "Generate", "no_text", "length", 2, 1.0),
        ("run-1", "Generate", "only_reasoning", "length", 2, 1.0),
    ]
    for view in ("spending", "run_summary"):
        assert rows(warehouse, f"SELECT cached_tokens FROM {view}") == [(120,)]


@pytest.mark.slow
def test_learning_curve_joins_a_batch_with_its_update(
    store: Store, writer: Writer, warehouse: Warehouse
) -> None:
    store(
        make_rollout([[step("Generate", 100)]], rollout_id="a", score=1.0),
        make_rollout([[step("Generate", 300)]], rollout_id="b", score=0.0, sample_index=1),
        make_rollout([[step("Generate", 100)]], rollout_id="c", at_step=2, checkpoint_id="lamas-1"),
    )
    writer.add_updates([make_update()])
    found = rows(
        warehouse,
        "SELECT step, rollouts, score, cp_tokens, layers, operators, loss, checkpoint_after "
        "FROM learning_curve ORDER BY step",
    )
    assert found == [
        (1, 2, 0.5, 200.0, 1.0, 1.0, 0.5, "lamas-1"),
        (2, 1, 1.0, 100.0, 1.0, 1.0, None, None),
    ]


@pytest.mark.slow
def test_run_summary_holds_runs_with_and_without_rollouts(
    store: Store, writer: Writer, warehouse: Warehouse
) -> None:
    store(WIDE)
    writer.add_run(make_run("run-2"))
    found = rows(
        warehouse,
        "SELECT run_id, problems, rollouts, failed_rollouts, score, cost_usd, cp_tokens_mean, "
        "attempts, output_tokens, updates FROM run_summary ORDER BY run_id",
    )
    assert found == [
        ("run-1", 1, 1, 0, 1.0, 0.001 + 0.002 + 0.004, 350.0, 3, 450, 0),
        ("run-2", 0, 0, 0, None, 0.0, None, 0, 0, 0),
    ]


@pytest.mark.slow
def test_every_table_and_column_has_a_comment(empty: Warehouse) -> None:
    tables = "SELECT table_name FROM duckdb_tables() WHERE comment IS NULL"
    assert rows(empty, tables) == []
    columns = (
        "SELECT table_name, column_name FROM duckdb_columns() WHERE comment IS NULL "
        "AND NOT internal AND table_name IN (SELECT table_name FROM duckdb_tables())"
    )
    assert rows(empty, columns) == []
