"""An outcome table through the real command: equal however it is made, capped, paid for once."""

import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import Finished
from tests.integration.conftest import QUIET, answers_in
from tests.kills.results import differing, results
from tests.warm import Starter
from warehouse import Warehouse

pytestmark = pytest.mark.slow

Run = Callable[..., Finished]

TABLE = ("tabulate", "llm=simulated", "benchmark.size=15", "table.samples=2", "seed=3")
CELLS = 3 * 2 * 4
"""Training problems × samples × operators."""

OUTCOMES = """
    SELECT r.problem_id, r.policy, r.sample_index, r.retry, c.* EXCLUDE (rollout_id, seconds)
    FROM chain_outcomes AS c JOIN rollouts AS r USING (rollout_id) ORDER BY ALL
"""


def warehouse_of(home: Path) -> Warehouse:
    return Warehouse.open(home / "warehouse.duckdb")


def paid_calls(home: Path) -> int:
    """Calls that a stored rollout has an answer of."""
    calls = "SELECT count(DISTINCT call_id) FROM model_calls WHERE status = 'ok'"
    return int(warehouse_of(home).query(calls).item())


def assert_equal_tables(left: Path, right: Path) -> None:
    assert differing(results(left), results(right)) == []
    outcomes = [warehouse_of(home).query(OUTCOMES) for home in (left, right)]
    assert outcomes[0].height == 3 * 2 * (1 + 1 + 3 + 1)
    assert outcomes[0].equals(outcomes[1])


def test_killed_at_any_instant_a_table_ends_as_if_undisturbed(
    home: Path, tmp_path: Path, lamas: Run, warm: Starter
) -> None:
    undisturbed = tmp_path / "undisturbed"
    whole = lamas(*TABLE, *QUIET, f"home={undisturbed}", "execution.concurrency=1")
    assert whole.code == 0, whole.stderr
    assert "best for each problem" in whole.stdout
    assert "24/24 rollouts" in whole.stderr
    answers = answers_in(undisturbed / "responses.sqlite")
    source = random.Random(5)
    arguments = (*TABLE, f"home={home}", "llm.simulated.time_scale=0.02", "llm.concurrency=3")
    for share in (source.uniform(0.05, 0.5), source.uniform(0.5, 0.95)):
        process = warm(*arguments)
        process.until(lambda share=share: answers_in(home / "responses.sqlite") > share * answers)
        process.send_signal(signal.SIGKILL)
        process.kill()
    code, said = warm(*arguments).ended()
    assert code == 0, said
    assert "taken up again" in said
    assert_equal_tables(undisturbed, home)
    # Every stored answer belongs to one stored call: none was asked for, or paid, again.
    assert paid_calls(home) == answers_in(home / "responses.sqlite") == answers
    assert [item.name for item in warehouse_of(home).audit() if item.rows.height] == []


def test_a_cap_holds_and_what_was_paid_is_not_paid_again(home: Path, lamas: Run) -> None:
    arguments = (*TABLE, *QUIET, f"home={home}")
    for _ in range(2):
        # The second time the cap is reached before anything is asked.
        stopped = lamas(*arguments, "llm.max_calls=10")
        assert stopped.code == 1
        assert "llm.max_calls=10" in stopped.stderr.splitlines()[-1]
        assert answers_in(home / "responses.sqlite") == 10
        found = warehouse_of(home).query("SELECT count(*), count(DISTINCT status) FROM rollouts")
        assert found.row(0)[0] < CELLS
        assert [item.name for item in warehouse_of(home).audit() if item.rows.height] == []
    whole = lamas(*arguments)
    assert whole.code == 0, whole.stderr
    assert paid_calls(home) == answers_in(home / "responses.sqlite")
    assert warehouse_of(home).query("SELECT count(*) FROM tabulated_outcomes").item() == CELLS
