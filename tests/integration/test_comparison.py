"""Comparisons through the real command: members, common random numbers, kills, verdicts."""

import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from lamas.errors import WarehouseError
from lamas.evaluation import compare_over_seeds
from lamas.report.comparison.estimates_table import differences
from tests.command import Finished, run_here
from tests.shared import made_once
from tests.warm import Starter
from warehouse import Warehouse
from warehouse.reader import Reader

pytestmark = pytest.mark.slow

Run = Callable[..., Finished]

SMALL = (
    "experiment=proof",
    "learner=reinforce",
    "seed=5",
    "benchmark.size=60",
    "benchmark.train_size=12",
    "benchmark.test_size=40",
    "training.steps=2",
    "training.problems_per_step=2",
    "training.rollouts_per_problem=2",
    "evaluation.problems=8",
    "comparison.seeds=2",
    "comparison.fixed=[generate]",
    "comparison.controls=null",
    "~comparison.against",
    "+comparison.against={lamas:[lamas_paper,maas,generate],lamas_paper:[maas]}",
)
"""Eight variants, two seeds and one fixed graph in seconds."""

THREE = (
    *SMALL[:-2],
    "comparison=default",
    "comparison.variants={lamas: [], maas: ['controller=paper', 'credit=cost_only', "
    "'execution=sequential', 'evaluation.mode=sampled'], "
    "random: ['training.steps=0', 'evaluation.mode=sampled']}",
    "comparison.against={lamas: [maas, random, generate]}",
)
"""Three of them."""

COMPARABLE = """
SELECT
    comparison_members.variant, comparison_members.training_seed, rollouts.purpose, rollouts.step,
    rollouts.problem_id, rollouts.sample_index, rollouts.graph, rollouts.score, rollouts.cost_usd,
    rollouts.cp_tokens, rollouts.checkpoint_id, rollouts.seed
FROM rollouts
INNER JOIN comparison_members USING (run_id)
ORDER BY ALL
"""
ESTIMATES = """
SELECT * EXCLUDE (comparison_run_id) FROM comparison_estimates
WHERE metric NOT LIKE 'makespan%' ORDER BY ALL
"""


def warehouse_of(home: Path) -> Warehouse:
    return Warehouse.open(home / "warehouse.duckdb")


def has_stored(home: Path, rollouts: int) -> bool:
    return rollouts_in(home) >= rollouts


def rollouts_in(home: Path) -> int:
    if not (home / "warehouse.duckdb").exists():
        return 0
    try:
        return int(warehouse_of(home).query("SELECT count(*) FROM rollouts").item())
    except WarehouseError:
        # It is being made at this moment.
        return 0


@pytest.fixture(scope="session")
def compared(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home folder of one whole comparison; do not change it."""

    def make(home: Path) -> None:
        finished = run_here("compare", *SMALL, f"home={home}", prefect_api=prefect_api)
        assert finished.code == 0, finished.stderr
        assert "simulated model" in finished.stdout
        assert "Differences" in finished.stdout

    return made_once(tmp_path_factory, "compared", make)


def test_every_variant_has_a_completed_run_for_every_seed(compared: Path) -> None:
    warehouse = warehouse_of(compared)
    members = warehouse.query(
        "SELECT variant, training_seed, learned, runs.status, count(rollout_id) AS rollouts "
        "FROM comparison_members JOIN runs USING (run_id) JOIN rollouts USING (run_id) "
        "GROUP BY ALL ORDER BY ALL"
    ).rows()
    counts = {(variant, seed): rollouts for variant, seed, _, _, rollouts in members}
    assert all(status == "completed" for *_, status, _ in members)
    assert counts[("generate", 5)] == 8
    assert ("generate", 6) not in counts
    for seed in (5, 6):
        assert counts[("random", seed)] == 8
        for variant in ("lamas", "lamas_paper", "maas", "lambda_t_0", "credit_uniform"):
            assert counts[(variant, seed)] == 2 * 4 + 8, variant
    audits = [item for item in warehouse.audit() if not item.rows.is_empty()]
    assert audits == []


def test_of_a_members_checkpoints_the_first_and_the_last_are_kept(compared: Path) -> None:
    stored = warehouse_of(compared).query("SELECT step, path FROM checkpoints").rows()
    kept = {step for step, path in stored if (compared / path).exists()}
    assert {step for step, _ in stored} == {0, 1, 2}
    assert kept == {0, 2}


def test_variants_share_answers_wherever_they_ask_the_same(compared: Path) -> None:
    """Common random numbers: equal question and seed, equal answer, paid for once."""
    different = warehouse_of(compared).query(
        """
        SELECT rollouts.problem_id, rollouts.graph, count(DISTINCT rollouts.cp_tokens)
        FROM rollouts INNER JOIN comparison_members USING (run_id)
        WHERE rollouts.purpose = 'evaluate'
        GROUP BY rollouts.problem_id, rollouts.graph, rollouts.execution_mode
        HAVING count(DISTINCT rollouts.cp_tokens) > 1 OR count(DISTINCT rollouts.score) > 1
        """
    )
    assert different.is_empty()
    sent, all_calls = (
        warehouse_of(compared)
        .query("SELECT count_if(NOT replayed), count(*) FROM model_calls")
        .row(0)
    )
    assert 0 < sent < all_calls
    # Texts are dropped, and with them the answers of a completed comparison.
    assert warehouse_of(compared).query(
        "SELECT count(*) FROM model_calls WHERE response_text <> ''"
    ).rows() == [(0,)]


def test_stored_estimates_are_those_of_the_stored_rollouts(compared: Path) -> None:
    reader = Reader(warehouse_of(compared))
    (comparison,) = reader.runs(kind="compare")
    outcomes = {
        name: {
            item.training_seed: reader.evaluated(item.run_id)
            for item in reader.comparison_members(comparison.run_id)
            if item.variant == name
        }
        for name in ("lamas", "maas")
    }
    again = {item.metric: item for item in compare_over_seeds(outcomes["lamas"], outcomes["maas"])}
    stored = {
        item.metric: item
        for pair in differences(reader.comparison_estimates(comparison.run_id))
        for item in pair.by_metric.values()
        if (pair.variant, pair.reference) == ("lamas", "maas")
    }
    for metric in ("score_difference", "cp_tokens_log_ratio", "cost_usd_log_ratio"):
        assert stored[metric].value == again[metric].value, metric
        assert (stored[metric].seeds, stored[metric].problems) == (2, 8)
    assert stored["score_difference"].margin == 0.02
    assert stored["mcnemar"].seeds == 1


def test_a_comparison_killed_again_and_again_ends_like_an_undisturbed_one(
    prefect_api: str, tmp_path: Path, warm: Starter
) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    kills = 0
    for stored in (1, 25):
        running = warm("compare", *THREE, f"home={killed}")
        running.until(partial(has_stored, killed, stored))
        running.send_signal(signal.SIGKILL)
        code, _ = running.ended()
        kills += code == -signal.SIGKILL
    for home in (killed, whole):
        finished = run_here("compare", *THREE, f"home={home}", prefect_api=prefect_api)
        assert finished.code == 0, finished.stderr
    assert kills == 2
    warehouse = warehouse_of(killed)
    assert [item for item in warehouse.audit() if not item.rows.is_empty()] == []
    for query in (COMPARABLE, ESTIMATES):
        assert warehouse.query(query).equals(warehouse_of(whole).query(query))
    assert len(Reader(warehouse).runs(kind="compare")) == 1


def test_a_sweep_weighs_each_value_against_the_configuration_as_it_is(
    lamas: Run, home: Path
) -> None:
    finished = lamas(
        "sweep",
        *SMALL[:10],
        "sweep.grid={training.lambda_t:[0.05],controller.layers:[2]}",
        "sweep.fixed=[generate]",
        f"home={home}",
    )
    assert finished.code == 0, finished.stderr
    reader = Reader(warehouse_of(home))
    (run,) = reader.runs(kind="sweep")
    names = {item.variant for item in reader.comparison_members(run.run_id)}
    assert names == {"base", "training.lambda_t=0.05", "controller.layers=2", "generate"}
    pairs = differences(reader.comparison_estimates(run.run_id))
    assert {(item.variant, item.reference) for item in pairs} == {
        ("training.lambda_t=0.05", "base"),
        ("controller.layers=2", "base"),
    }


def test_an_in_process_endpoint_gives_the_answers_of_a_served_one(
    lamas: Run, tmp_path: Path
) -> None:
    tables: list[list[tuple[object, ...]]] = []
    for name, in_process in (("socket", "false"), ("inside", "true")):
        finished = lamas(
            "evaluate",
            "llm=simulated",
            f"llm.simulated.in_process={in_process}",
            "checkpoint=none",
            "evaluation.baselines=[cot5_sc,everything]",
            "evaluation.problems=4",
            "benchmark.size=20",
            f"home={tmp_path / name}",
        )
        assert finished.code == 0, finished.stderr
        tables.append(
            warehouse_of(tmp_path / name)
            .query(
                "SELECT policy, problem_id, answer, score, cost_usd, cp_tokens FROM rollouts "
                "ORDER BY ALL"
            )
            .rows()
        )
    assert tables[0] == tables[1]
    assert len(tables[0]) == 8
