"""Every audit finds the defect planted for it, alone, and a sound warehouse passes all of them."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from lamas.domain import Checkpoint
from tests.factories import T0, make_checkpoint, make_rollout, step
from tests.naive import naive_credits, naive_labels
from tests.random_rollouts import random_rollouts
from tests.served import stored, tried_requests
from tests.warehouse.latency import fitted_credits, make_fit, predictions_of
from tests.warehouse.raced import raced_predictions, raced_rollouts
from tests.warehouse.records import evaluation_rollouts, make_metric, make_update
from tests.warehouse.simulated import simulated_cell
from tests.warehouse.tables import tabulated
from warehouse import Registry, Warehouse
from warehouse.audit import run_audits
from warehouse.migration import packaged_schema
from warehouse.schema import TABLES
from warehouse.sql_files import AUDITS, sql_files
from warehouse.writer import Writer

pytestmark = pytest.mark.slow

RETRIED = make_rollout([[step("Generate", 1)]], rollout_id="retried", retry=1)

DEFECTS: dict[str, str] = {
    "calls_without_first_attempt": "DELETE FROM model_calls WHERE status = 'error'",
    "chain_outcomes_differ": "UPDATE chain_outcomes SET seconds = seconds + 1e-9",
    "cancelled_without_quorum": "UPDATE decisions SET quorum = NULL",
    "champions_unclear": "UPDATE checkpoints SET status = 'champion' WHERE step = 0",
    "checkpoints_without_parent": "UPDATE checkpoints SET parent_id = NULL WHERE step = 2",
    "costs_impossible": "UPDATE model_calls SET cost_usd = -cost_usd WHERE call_index = 0",
    "credits_differ": "UPDATE credits SET latency_term = latency_term - 1e-9",
    "doubled_rollouts": "UPDATE rollouts SET sample_index = 0",
    "draw_order_gaps": "UPDATE decisions SET draw_order = draw_order + 1 WHERE layer = 1",
    "ended_before_started": "UPDATE tool_executions SET ended_at = started_at - 1",
    "evaluations_differ": "UPDATE evaluations SET value = value + 1e-12",
    "failed_rollouts_credited": "UPDATE rollouts SET status = 'failed', score = NULL, error = 'x'",
    "failures_without_reason": "UPDATE rollouts SET error = NULL WHERE status = 'failed'",
    "graph_not_executed": "UPDATE rollouts SET graph = [['Programmer'], ['EarlyStop']]",
    "illegal_decisions": "UPDATE decisions SET legal = ['Nobody']",
    "intervals_impossible": "UPDATE evaluations SET low = value + 1",
    "invocation_totals_differ": "UPDATE operator_invocations SET tool_seconds = -1e-9",
    "labels_inconsistent": "UPDATE critical_path_labels SET is_critical = NOT is_critical",
    "latency_models_differ": "UPDATE latency_models SET spearman = spearman - 1e-6",
    "observations_differ": "UPDATE observations SET cp_tokens = cp_tokens + 1e-9",
    "orphan_rows": "DELETE FROM rollouts WHERE sample_index = 3",
    "predicted_seconds_differ": "UPDATE predicted_seconds SET seconds = seconds + 1e-9",
    "probabilities_impossible": "UPDATE decisions SET probability = 1.5 WHERE draw_order = 0",
    "rollout_totals_differ": "UPDATE rollouts SET cost_usd = cost_usd + 1e-12",
    "runs_without_end": "UPDATE runs SET status = 'completed'",
    "scores_out_of_range": "UPDATE rollouts SET score = 1.5 WHERE score = 1",
    "simulated_calls_impossible": "UPDATE simulated_calls SET started_at = ready_at - 1",
    "trials_contradict": "UPDATE trials SET candidate_id = champion_id",
    "updates_miscounted": "UPDATE updates SET rollouts = rollouts + 1",
}

MORE_DEFECTS: list[tuple[str, str]] = [
    ("calls_without_first_attempt", "UPDATE model_calls SET attempt = attempt + 1"),
    ("chain_outcomes_differ", "UPDATE chain_outcomes SET cp_tokens = cp_tokens + 1e-9"),
    ("chain_outcomes_differ", "UPDATE chain_outcomes SET score = 1 - score"),
    ("chain_outcomes_differ", "UPDATE chain_outcomes SET answer_key = '3' WHERE chain = 1"),
    ("chain_outcomes_differ", "DELETE FROM chain_outcomes WHERE chain = 2"),
    ("chain_outcomes_differ", "UPDATE model_calls SET ended_at = ended_at + 1 WHERE branch = 2"),
    (
        "cancelled_without_quorum",
        "UPDATE critical_path_labels SET is_critical = TRUE WHERE invocation_id IN "
        "(SELECT invocation_id FROM operator_invocations WHERE status = 'cancelled')",
    ),
    (
        "cancelled_without_quorum",
        "UPDATE operator_invocations SET candidates = ['x'] WHERE status = 'cancelled'",
    ),
    ("invocation_totals_differ", "UPDATE model_calls SET status = 'ok' WHERE status = 'cancelled'"),
    ("failures_without_reason", "UPDATE model_calls SET error = '' WHERE status = 'cancelled'"),
    ("observations_differ", "UPDATE observations SET stopped = NOT stopped"),
    ("observations_differ", "UPDATE observations SET failed_programs = failed_programs + 1"),
    ("champions_unclear", "DELETE FROM promotions"),
    ("checkpoints_without_parent", "UPDATE checkpoints SET step = 9 WHERE step = 0"),
    ("credits_differ", "UPDATE credits SET advantage = advantage * 1.0000001 + 1e-9"),
    ("credits_differ", "UPDATE predicted_seconds SET seconds = 2 * seconds"),
    ("credits_differ", "UPDATE credits SET latency_model_id = NULL"),
    ("latency_models_differ", "UPDATE latency_models SET held_out_rollouts = 0"),
    ("latency_models_differ", "UPDATE rollouts SET makespan_seconds = 2 * makespan_seconds"),
    ("orphan_rows", "DELETE FROM latency_models"),
    ("predicted_seconds_differ", "UPDATE latency_models SET reference_load = reference_load + 1"),
    ("labels_inconsistent", "DELETE FROM critical_path_labels"),
    ("orphan_rows", "DELETE FROM simulated_cells"),
    ("simulated_calls_impossible", "UPDATE simulated_workflows SET ended_at = 0"),
    ("ended_before_started", "UPDATE runs SET ended_at = started_at - 1"),
    ("evaluations_differ", "UPDATE evaluations SET n = n + 1"),
    ("evaluations_differ", "UPDATE evaluations SET split = 'train'"),
    ("failures_without_reason", "UPDATE model_calls SET error = '' WHERE status = 'error'"),
    ("illegal_decisions", "DELETE FROM decisions WHERE layer = 1"),
    ("labels_inconsistent", "UPDATE critical_path_labels SET layer_second_tokens = -1"),
    ("orphan_rows", "DELETE FROM checkpoints WHERE step = 0"),
    ("orphan_rows", "DELETE FROM operator_invocations WHERE layer = 1"),
    ("probabilities_impossible", "UPDATE decisions SET probability = 'nan'::DOUBLE"),
    ("probabilities_impossible", "UPDATE decisions SET log_probability = log_probability - 0.01"),
    ("trials_contradict", "UPDATE trials SET champion_graph = 'X', candidate_graph = 'X'"),
    ("trials_contradict", "UPDATE served_requests SET checkpoint_id = NULL"),
    ("rollout_totals_differ", "UPDATE rollouts SET cp_tokens = cp_tokens + 1e-9"),
    ("invocation_totals_differ", "UPDATE model_calls SET cost_usd = cost_usd + 1e-12"),
    ("rollout_totals_differ", "UPDATE operator_invocations SET cost_usd = cost_usd + 1e-12"),
    ("runs_without_end", "UPDATE runs SET status = 'failed', ended_at = started_at"),
]


@pytest.fixture(scope="module")
def sound(prepared_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    path = tmp_path_factory.mktemp("audits") / "sound.duckdb"
    path.write_bytes(prepared_file.read_bytes())
    warehouse = Warehouse.open(path)
    writer = Writer(warehouse)
    rollouts = random_rollouts(80, seed=3, failed_share=0.1)
    writer.add_rollouts([(item, naive_labels(item.trace)) for item in rollouts])
    usable = [item for item in rollouts if item.status == "ok"]
    for rule in ("critical_path", "marginal"):
        writer.add_credits([credit for item in usable for credit in naive_credits(item, rule)])
    writer.add_latency_fit(make_fit(usable[40:]), predictions_of(usable[40:], held_out=True))
    writer.add_credits(
        [credit for item in usable[:40] for credit in fitted_credits(item, "uniform")],
        predictions=predictions_of(usable[:40]),
    )
    writer.add_updates(
        [replace(make_update(), rollouts=len(usable), failed_rollouts=80 - len(usable))]
    )
    raced = raced_rollouts(24)
    writer.add_rollouts([(item, naive_labels(item.trace)) for item in raced])
    writer.add_credits([], predictions=raced_predictions(raced))
    table = [
        tabulated("Generate", ("2", 1.0, 100)),
        tabulated("MultiGenerateCoT", ("3", 0.0, 300), ("2", 1.0, 100), ("2", 1.0, 400)),
        tabulated("MultiGenerateCoT", error="ModelError: 503", problem=1),
    ]
    writer.add_rollouts([(item, naive_labels(item.trace)) for item in table])
    evaluated = evaluation_rollouts(40)
    writer.add_rollouts([(item, naive_labels(item.trace)) for item in evaluated])
    scores = [item.score for item in evaluated if item.score is not None]
    measured = replace(
        make_metric(value=sum(scores) / len(scores)), n=len(scores), failed=40 - len(scores)
    )
    writer.add_evaluations([measured])
    stored(warehouse, path.with_name("landed"), tried_requests(12, share=0.5))
    cell, kept = simulated_cell()
    writer.add_simulated(cell, kept.records)
    Registry(warehouse).promote("lamas-1", evidence={"score": 0.5}, decided_at=T0)
    return warehouse


@pytest.fixture
def open_to_defects(sound: Warehouse) -> Generator[duckdb.DuckDBPyConnection, None, None]:
    """The sound warehouse without keys and checks, in memory."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{sound.path}' AS sound (READ_ONLY)")
        for table in TABLES:
            connection.execute(f"CREATE TABLE {table.name} AS FROM sound.{table.name}")
        schema = packaged_schema()
        for file in (*schema.macros, *schema.views):
            connection.execute(file.text)
        yield connection


def test_a_sound_warehouse_passes_every_audit(sound: Warehouse) -> None:
    assert [result.name for result in sound.audit() if result.rows.height] == []


def test_an_empty_warehouse_passes_every_audit(empty: Warehouse) -> None:
    assert [result.name for result in empty.audit() if result.rows.height] == []


def test_the_copy_without_keys_passes_before_anything_is_planted(
    open_to_defects: duckdb.DuckDBPyConnection,
) -> None:
    assert [item.name for item in run_audits(open_to_defects) if item.rows.height] == []


def test_every_audit_has_a_planted_defect_and_says_what_it_looks_for() -> None:
    assert {file.name for file in sql_files(AUDITS)} == set(DEFECTS)
    assert all(len(file.headline) > 20 for file in sql_files(AUDITS))


@pytest.mark.parametrize(("audit", "defect"), [*DEFECTS.items(), *MORE_DEFECTS])
def test_a_planted_defect_is_found(
    open_to_defects: duckdb.DuckDBPyConnection, audit: str, defect: str
) -> None:
    open_to_defects.execute(defect)
    found = {item.name for item in run_audits(open_to_defects) if item.rows.height}
    assert audit in found


def test_a_slot_may_be_tried_again_after_a_failure(warehouse: Warehouse) -> None:
    failed = replace(
        make_rollout([[step("Generate", 1)]], rollout_id="first"),
        status="failed",
        score=None,
        error="ModelUnreachableError: 503",
    )
    writer = Writer(warehouse)
    writer.add_rollouts([(item, naive_labels(item.trace)) for item in (failed, RETRIED)])
    assert {item.name for item in warehouse.audit() if item.rows.height} == set()


def test_a_slot_tried_again_after_a_success_is_found(warehouse: Warehouse) -> None:
    done = make_rollout([[step("Generate", 1)]], rollout_id="first")
    writer = Writer(warehouse)
    writer.add_rollouts([(item, naive_labels(item.trace)) for item in (done, RETRIED)])
    found = {item.name for item in warehouse.audit() if item.rows.height}
    assert found == {"doubled_rollouts"}


def test_a_champion_without_decision_is_found(warehouse: Warehouse) -> None:
    crowned: Checkpoint = replace(
        make_checkpoint(3), checkpoint_id="usurper", digest="other", status="champion"
    )
    Writer(warehouse).add_checkpoint(crowned)
    found = {item.name for item in warehouse.audit() if item.rows.height}
    assert found == {"champions_unclear"}
