"""A retrain that learns from a table, through the real command: rows, figures, conditions."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lamas.training import load_controller
from tests.command import Finished, run_here
from tests.integration.conftest import QUIET
from tests.shared import made_once
from warehouse import Registry, Warehouse
from warehouse.reader import Reader
from warehouse.table_fits import TableFits

pytestmark = pytest.mark.slow

Run = Callable[..., Finished]

LITTLE = (
    *QUIET,
    "llm=simulated",
    "benchmark.size=40",
    "operators.enabled=[Generate,GenerateCoT]",
    "evaluation.problems=4",
    "evaluation.baselines=[]",
    "evaluation.deadlines=[100000]",
)
"""8 training problems × 2 operators, 4 held out."""


@pytest.fixture(scope="module")
def learned(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home folder of one retrain by a table; do not change it."""

    def make(home: Path) -> None:
        finished = run_here("retrain", *LITTLE, f"home={home}", prefect_api=prefect_api)
        assert finished.code == 0, finished.stderr
        assert "best fixed graph of 8 problems" in finished.stderr
        assert "romoted: " in finished.stdout
        assert "Asked for 1e+05 tokens of CP_len: " in finished.stdout

    return made_once(tmp_path_factory, "learned_from_a_table", make)


def opened(home: Path) -> Warehouse:
    return Warehouse.open(home / "warehouse.duckdb")


def test_every_step_and_credit_is_a_row_and_every_audit_is_clean(learned: Path) -> None:
    warehouse = opened(learned)
    counts = dict(
        warehouse.query(
            "SELECT purpose, count(*) FROM rollouts GROUP BY purpose ORDER BY purpose"
        ).rows()
    )
    assert counts["tabulate"] == 8 * 2
    assert warehouse.query("FROM credits").height == 8 * 2
    assert warehouse.query("FROM operating_points").height == 33
    updates = warehouse.query("FROM updates ORDER BY step")
    (fit,) = warehouse.query("FROM table_fits").to_dicts()
    assert updates["checkpoint_after"][-1] == fit["checkpoint_id"]
    assert updates["checkpoint_before"].to_list()[1:] == updates["checkpoint_after"].to_list()[:-1]
    found = {item.name: item.rows for item in warehouse.audit() if item.rows.height}
    assert not found


def test_sql_repeats_what_was_closed_of_the_gap_to_the_last_bit(learned: Path) -> None:
    warehouse = opened(learned)
    stated = warehouse.query(
        "SELECT policy, value FROM evaluations WHERE metric = 'gap_closed' ORDER BY policy"
    ).rows()
    recomputed = warehouse.query(
        "SELECT policy, gap_closed FROM value_gap_closed "
        "WHERE policy IN ('conditioned', 'nearest neighbours') AND gap_closed IS NOT NULL "
        "ORDER BY policy"
    ).rows()
    assert stated == recomputed
    policies = {str(row[0]) for row in warehouse.query("SELECT policy FROM evaluations").rows()}
    assert {"conditioned", "nearest neighbours", "random graph", "oracle", "Generate"} <= policies


def test_log_probabilities_follow_from_the_condition_that_stands_with_the_decision(
    learned: Path,
) -> None:
    warehouse = opened(learned)
    (fit,) = warehouse.query("FROM table_fits").to_dicts()
    record = Registry(warehouse).checkpoint(str(fit["checkpoint_id"]))
    controller = load_controller(learned / record.path, digest=record.digest)
    reader = Reader(warehouse)
    rollouts = [
        item
        for item in reader.rollouts(str(fit["run_id"]), purpose="evaluate")
        if item.plan.checkpoint_id == record.checkpoint_id
    ]
    assert {item.plan.deadline for item in rollouts} == {None, 100000.0}
    prices = [item.plan.multiplier for item in rollouts]
    assert all(price is not None for price in prices)
    found = controller.log_prob(
        np.stack([reader.embeddings([item.problem_id])[0] for item in rollouts]),
        [item.plan.decisions for item in rollouts],
        multipliers=[price for price in prices if price is not None],
    )
    stored = [item.log_probability for rollout in rollouts for item in rollout.plan.decisions]
    assert found.decisions.tolist() == pytest.approx(stored, abs=1e-9)


def test_layers_of_a_controller_with_a_quorum_end_at_it(home: Path, lamas: Run) -> None:
    finished = lamas(
        "retrain",
        *(item for item in LITTLE if not item.startswith(("operators.", "evaluation."))),
        "operators.enabled=[Generate,GenerateCoT,Programmer]",
        "controller.quorum=2",
        "evaluation.controls=[random]",
        "evaluation.problems=30",
        "evaluation.baselines=[]",
        f"home={home}",
    )
    assert finished.code == 0, finished.stderr
    warehouse = opened(home)
    found = warehouse.query(
        "SELECT DISTINCT count(*) AS operators, any_value(quorum) AS quorum FROM decisions "
        "JOIN rollouts USING (rollout_id) WHERE policy = 'random graph' "
        "GROUP BY rollout_id ORDER BY ALL"
    ).rows()
    assert found == [(1, None), (2, None), (3, 2)]
    assert not {item.name: item.rows for item in warehouse.audit() if item.rows.height}


def test_ask_takes_a_deadline_and_says_when_nothing_is_that_fast(learned: Path, lamas: Run) -> None:
    fit = TableFits(opened(learned)).of_run(
        str(opened(learned).query("SELECT run_id FROM table_fits").item())
    )
    assert fit is not None
    common = (*LITTLE, f"home={learned}", f"checkpoint={fit.checkpoint_id}")
    asked = lamas("ask", "What is 17 + 25?", *common, f"deadline={2 * fit.best_time}")
    assert asked.code == 0, asked.stderr
    refused = lamas("ask", "What is 17 + 25?", *common, "deadline=0.001")
    assert refused.code == 2
    assert "deadline=0.001 is below anything this controller can do" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (
            ["learner=reinforce", "controller=conditioned"],
            "controller=conditioned learns from a table",
        ),
        (
            ["learner=reinforce", "deadline=2"],
            "controller=lamas has one trade of score against time",
        ),
        (["operators.enabled=[ScEnsemble,SelfRefine]"], "can start a graph"),
        (["benchmark.size=20", "table.problems=4"], "a table of 4 training problems is too small"),
        (["operators.enabled=[GenerateCoT@nobody]"], "nobody"),
    ],
)
def test_what_cannot_be_learned_is_one_sentence_before_anything_is_written(
    overrides: list[str], sentence: str, home: Path, lamas: Run
) -> None:
    finished = lamas("retrain", "llm=simulated", *overrides, f"home={home}")
    assert finished.code in (1, 2)
    assert sentence in finished.stderr
    assert not (home / "warehouse.duckdb").exists()
