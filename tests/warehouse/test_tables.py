"""Outcome tables in the warehouse: what is stored comes back, and what SQL makes of it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lamas.domain import Rollout
from lamas.domain.operator_outcome import ChainOutcome, OperatorOutcome
from tests.factories import make_rollout, step
from tests.naive import naive_labels
from tests.warehouse.records import rows
from tests.warehouse.tables import tabulated
from warehouse import Warehouse
from warehouse.outcomes import operator_outcomes
from warehouse.reader import Reader
from warehouse.writer import Writer

SHORT = tabulated("Generate", ("4", 0.0, 50))
LONG = tabulated("GenerateCoT", ("2", 1.0, 200))
VOTED = tabulated("MultiGenerateCoT", ("3", 0.0, 300), ("2", 1.0, 100), ("2", 1.0, 400))
CELLS = (
    SHORT,
    LONG,
    VOTED,
    tabulated("Generate", ("4", 1.0, 30), problem=1),
    tabulated("GenerateCoT", ("4", 1.0, 100), problem=1),
    tabulated("MultiGenerateCoT", (None, 0.0, 100), ("4", 1.0, 200), ("5", 0.0, 10), problem=1),
)


@pytest.fixture
def table(tmp_path: Path, table_file: Path) -> Warehouse:
    return Warehouse.open(shutil.copy(table_file, tmp_path / "table.duckdb"))


@pytest.fixture(scope="module")
def table_file(prepared_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cells above; problem 2 lacks one, of problem 3 one failed, twice."""
    path = tmp_path_factory.mktemp("tables") / "table.duckdb"
    shutil.copy(prepared_file, path)
    broken = [
        tabulated("MultiGenerateCoT", problem=3, retry=retry, error="ModelError: 503")
        for retry in range(2)
    ]
    with Warehouse.open(path).writing() as connection:
        connection.execute(
            "UPDATE problems SET metadata = "
            "CASE WHEN problem_index = 0 THEN '{\"category\": \"odd\"}' ELSE '{}' END"
        )
    rollouts = [
        *CELLS,
        tabulated("Generate", problem=2),
        tabulated("Generate", problem=3),
        tabulated("GenerateCoT", problem=3),
        *broken,
    ]
    Writer(Warehouse.open(path)).add_rollouts(
        [(item, naive_labels(item.trace)) for item in rollouts]
    )
    return path


@pytest.mark.slow
def test_cells_come_back_as_they_were_stored(table: Warehouse) -> None:
    stored = {item.rollout_id: item for item in Reader(table).rollouts(purpose="tabulate")}
    for cell in CELLS:
        assert stored[cell.rollout_id].chains == cell.chains
    outcomes = operator_outcomes(table, "run-1")
    assert len(outcomes) == len(CELLS) + 3
    assert (
        OperatorOutcome(
            problem_id="sums/v1/0",
            operator="MultiGenerateCoT",
            sample=0,
            chains=(
                ChainOutcome(answer_key="3", score=0.0, cp_tokens=300.0, seconds=300 / 128),
                ChainOutcome(answer_key="2", score=1.0, cp_tokens=100.0, seconds=100 / 128),
                ChainOutcome(answer_key="2", score=1.0, cp_tokens=400.0, seconds=400 / 128),
            ),
            cost_usd=VOTED.cost_usd,
        )
        in outcomes
    )
    assert operator_outcomes(table, "run-2") == ()


@pytest.mark.slow
def test_only_the_last_try_of_a_cell_counts_and_only_whole_problems_are_compared(
    table: Warehouse,
) -> None:
    found = rows(
        table,
        "SELECT problem_id, count(*), count_if(status = 'failed'), bool_and(whole) "
        "FROM tabulated_outcomes GROUP BY problem_id ORDER BY problem_id",
    )
    assert found == [
        ("sums/v1/0", 3, 0, True),
        ("sums/v1/1", 3, 0, True),
        ("sums/v1/2", 1, 0, False),
        ("sums/v1/3", 3, 1, False),
    ]


def test_operator_values_are_means_over_whole_problems_in_all_and_by_category(
    table: Warehouse,
) -> None:
    found = rows(
        table,
        "SELECT scope, category, operator, problems, score, cp_tokens, seconds "
        "FROM operator_values ORDER BY scope, operator",
    )
    assert found == [
        ("all", None, "Generate", 2, 0.5, 40.0, 40 / 128),
        ("all", None, "GenerateCoT", 2, 1.0, 150.0, 150 / 128),
        ("all", None, "MultiGenerateCoT", 2, 1.0, 300.0, 300 / 128),
        ("category", "odd", "Generate", 1, 0.0, 50.0, 50 / 128),
        ("category", "odd", "GenerateCoT", 1, 1.0, 200.0, 200 / 128),
        ("category", "odd", "MultiGenerateCoT", 1, 1.0, 400.0, 400 / 128),
    ]


def test_the_oracle_takes_the_best_and_then_the_shortest_for_each_problem(
    table: Warehouse,
) -> None:
    found = rows(
        table,
        "SELECT category, best_fixed, problems, fixed_score, oracle_score, score_gap, "
        "fixed_cp_tokens, oracle_cp_tokens, oracle_seconds FROM oracle_gap ORDER BY scope",
    )
    assert found == [
        (None, "GenerateCoT", 2, 1.0, 1.0, 0.0, 150.0, 115.0, 115 / 128),
        ("odd", "GenerateCoT", 1, 1.0, 1.0, 0.0, 200.0, 200.0, 200 / 128),
    ]


@pytest.mark.slow
def test_a_table_passes_every_audit(table: Warehouse) -> None:
    assert [item.name for item in table.audit() if item.rows.height] == []


Store = Callable[..., int]


def evaluated(
    policy: str, problem: int, score: float, tokens: int, *, checkpoint_id: str | None = None
) -> Rollout:
    operator = "GenerateCoT" if tokens > 100 else "Generate"
    return make_rollout(
        [[step(operator, tokens)]],
        rollout_id=f"{policy}/{problem}",
        problem_id=f"sums/v1/{problem}",
        policy=policy,
        checkpoint_id=checkpoint_id,
        purpose="evaluate",
        mode="decided" if checkpoint_id else "fixed",
        at_step=2 if checkpoint_id else 0,
        score=score,
    )


@pytest.mark.slow
def test_picks_are_shares_of_a_category_and_of_all(store: Store, warehouse: Warehouse) -> None:
    store(
        *(evaluated("lamas", 5 + n, 1.0, 50, checkpoint_id="lamas-2") for n in range(3)),
        evaluated("lamas", 8, 1.0, 200, checkpoint_id="lamas-2"),
        evaluated("generate", 5, 1.0, 50),
    )
    with warehouse.writing() as connection:
        connection.execute(
            "UPDATE problems SET metadata = "
            "CASE WHEN problem_index = 8 THEN '{\"dataset\": \"even\"}' ELSE '{}' END"
        )
    found = rows(
        warehouse,
        "SELECT policy, step, category, graph, picks, share, share_of_all "
        "FROM picks_by_category ORDER BY graph",
    )
    assert found == [
        ("lamas", 2, None, "Generate", 3, 1.0, 0.75),
        ("lamas", 2, "even", "GenerateCoT", 1, 1.0, 0.25),
    ]


@pytest.mark.slow
def test_the_gap_is_closed_by_what_a_controller_scores_beyond_the_best_fixed_graph(
    store: Store, warehouse: Warehouse
) -> None:
    # Problem 5 is the short graph's, 6 and 7 the long one's, 8 nobody finished but the controller.
    short = {5: 1.0, 6: 0.0, 7: 0.0}
    long = {5: 0.0, 6: 1.0, 7: 1.0}
    mine = {5: 1.0, 6: 1.0, 7: 0.0, 8: 1.0}
    store(
        *(evaluated("generate", n, score, 50) for n, score in short.items()),
        *(evaluated("generate_cot", n, score, 200) for n, score in long.items()),
        *(evaluated("lamas", n, s, 80, checkpoint_id="lamas-2") for n, s in mine.items()),
    )
    (found,) = rows(
        warehouse,
        "SELECT policy, best_fixed, problems, score, fixed_score, oracle_score, oracle_cp_tokens, "
        "closed FROM gap_closed WHERE scope = 'all'",
    )
    assert found == ("lamas", "generate_cot", 3, 2 / 3, 2 / 3, 1.0, 150.0, 0.0)


@pytest.mark.slow
def test_without_a_fixed_graph_there_is_no_gap(store: Store, warehouse: Warehouse) -> None:
    store(evaluated("lamas", 5, 1.0, 80, checkpoint_id="lamas-2"))
    assert rows(warehouse, "FROM gap_closed") == []
