"""`lamas latency` on a paced endpoint, and training by the seconds it predicts."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lamas.llm.simulated import load_profile
from tests.command import Finished, run_here
from tests.integration.conftest import QUIET, SMALL
from tests.shared import made_once
from warehouse import Warehouse
from warehouse.call_times import CallTimes
from warehouse.reports import run_report

pytestmark = pytest.mark.slow

Run = Callable[..., Finished]

MODEL = "simulated-gpt-4o-mini-like"
TIME_SCALE = 0.05
PACED = (
    "learner=reinforce",
    "llm=simulated",
    "llm.stream=true",
    f"llm.simulated.time_scale={TIME_SCALE}",
    "benchmark.size=60",
    "training.problems_per_step=5",
    "training.rollouts_per_problem=4",
    "controller.layers=2",
    "execution.concurrency=5",
    "execution.granularity=batch",
)
FITTED = "training.latency_model=fitted"


@pytest.fixture(scope="module")
def paced(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of one batch of streamed rollouts against an endpoint that takes its time."""

    def make(home: Path) -> None:
        for stage in ("prepare", "collect"):
            finished = run_here(stage, *PACED, f"home={home}", prefect_api=prefect_api)
            assert finished.code == 0, finished.stderr

    made = made_once(tmp_path_factory, "paced", make)
    # The tests below write to it.
    return shutil.copytree(made, tmp_path_factory.mktemp("paced-copy") / "home")


@pytest.fixture(scope="module")
def printed(paced: Path) -> str:
    """What `lamas latency` says of that batch; the model is stored."""
    finished = run_here("latency", f"home={paced}")
    assert finished.code == 0, finished.stderr
    return finished.stdout


def rows(home: Path, sql: str) -> list[tuple[object, ...]]:
    return Warehouse.open(home / "warehouse.duckdb").query(sql).rows()


def assert_sound(home: Path) -> None:
    found = Warehouse.open(home / "warehouse.duckdb").audit()
    assert [item.name for item in found if item.rows.height] == []


def test_the_fit_approaches_the_pace_of_the_endpoint(paced: Path, printed: str) -> None:
    model = CallTimes(Warehouse.open(paced / "warehouse.duckdb")).latest_latency_model(MODEL)
    pace = load_profile().latency
    ((measured,),) = rows(
        paced,
        "SELECT median((ended_at - started_at - time_to_first_chunk_seconds) "
        "/ usage_output_tokens) FROM model_calls WHERE status = 'ok' AND usage_output_tokens >= 20",
    )
    # What a busy machine adds to each call is no less real, and has no bound; nothing shortens one.
    assert model.seconds_per_output_token == pytest.approx(measured, rel=0.5)
    assert model.seconds_per_output_token > 0.5 * TIME_SCALE * pace.seconds_per_token.median
    paced_first = TIME_SCALE * pace.first_token_seconds.median
    assert model.call_seconds(300, 0) > 0.5 * paced_first
    assert model.latency_model_id in printed
    assert "without pace" not in printed
    assert "no call was streamed" not in printed
    assert_sound(paced)


def test_the_table_names_units_errors_and_correlations(paced: Path, printed: str) -> None:
    for word in ("s/token/call", "median |error| %", "CP_len, best line", "Spearman", "Generate"):
        assert word in printed
    fitted, held_out = rows(paced, "SELECT rollouts, held_out_rollouts FROM latency_models")[0]
    assert (fitted, held_out) == (16, 4)
    predicted = rows(paced, "SELECT pearson FROM latency_models")[0][0]
    assert isinstance(predicted, float)
    assert f"{predicted:.3f}" in printed


def test_credit_and_update_charge_predicted_seconds(paced: Path, printed: str, lamas: Run) -> None:
    ((run_id,),) = rows(paced, "SELECT run_id FROM runs WHERE kind = 'collect'")
    run, home = f"run={run_id}", f"home={paced}"
    credited = lamas("credit", *PACED, home, run, FITTED, "credit=uniform")
    assert credited.code == 0, credited.stderr
    wrong = rows(
        paced,
        "SELECT c.rollout_id FROM credits AS c LEFT JOIN predicted_rollouts AS p "
        "USING (rollout_id, latency_model_id) "
        "WHERE c.latency_term IS DISTINCT FROM -(0.005::DOUBLE * p.seconds)",
    )
    assert wrong == []
    refused = lamas("update", *PACED, home, run, "credit=uniform")
    assert refused.code == 2
    assert "credited for step 1 with training.latency_model=fitted, proxy is" in refused.stderr
    updated = lamas("update", *PACED, home, run, FITTED, "credit=uniform")
    assert updated.code == 0, updated.stderr
    assert_sound(paced)


def test_a_retrain_by_predicted_seconds_is_sound(paced: Path, printed: str, lamas: Run) -> None:
    home = f"home={paced}"
    finished = lamas(
        "retrain", *SMALL, *QUIET, home, FITTED, "credit=critical_path", "training.steps=1"
    )
    assert finished.code == 0, finished.stderr
    clocks = rows(
        paced,
        "SELECT count(DISTINCT latency_model_id), count(*) = count(latency_model_id) "
        "FROM credits WHERE credit_rule = 'critical_path'",
    )
    assert clocks == [(1, True)]
    assert_sound(paced)
    ((run_id, reward),) = rows(
        paced,
        "SELECT any_value(run_id), mean(score - 3 * cost_usd - 0.005 * p.seconds) "
        "FROM rollouts AS r JOIN predicted_rollouts AS p USING (run_id, rollout_id) "
        "JOIN runs USING (run_id) WHERE kind = 'retrain' AND purpose = 'train'",
    )
    report = run_report(Warehouse.open(paced / "warehouse.duckdb"), str(run_id))
    assert report["learning"]["reward"].to_list() == [pytest.approx(reward)]
    again = lamas("latency", home)
    assert "times of this machine, not of a model" in again.stdout
    assert "no call was streamed" in again.stdout
    both = lamas("latency", home, "run=all")
    assert "all runs" in both.stdout
    assert len(rows(paced, "FROM latency_models")) == 3
    assert_sound(paced)


def test_a_comparison_trains_by_predicted_seconds(paced: Path, printed: str, lamas: Run) -> None:
    finished = lamas(
        "compare",
        *SMALL,
        *QUIET,
        f"home={paced}",
        FITTED,
        "training.steps=1",
        "comparison.seeds=1",
        "comparison.variants={ours: []}",
        "comparison.fixed=[generate]",
        "comparison.against={ours: [generate]}",
    )
    assert finished.code == 0, finished.stderr
    clocks = rows(
        paced,
        "SELECT count(*) > 0, count(*) = count(latency_model_id) FROM credits "
        "JOIN rollouts USING (rollout_id) WHERE run_id IN "
        "(SELECT run_id FROM comparison_members)",
    )
    assert clocks == [(True, True)]
    assert_sound(paced)


def test_a_retrain_without_a_latency_model_is_refused_at_once(home: Path, lamas: Run) -> None:
    for stage in ("prepare", "retrain"):
        finished = lamas(stage, *SMALL, *QUIET, f"home={home}", FITTED)
    assert finished.code == 1
    assert f"no latency model of {MODEL}" in finished.stderr
    assert rows(home, "SELECT kind FROM runs") == [("prepare",)]
    nothing = lamas("latency", f"home={home}")
    assert nothing.code == 1
    assert "holds no answered model call" in nothing.stderr
