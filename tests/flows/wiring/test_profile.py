"""A profile of stored rollouts: fitted to half of them, its errors stored beside the quantile's."""

from pathlib import Path

import numpy as np
import pytest

from flows.settings.compose import load_settings
from flows.wiring.profile import fitted_profile
from lamas.errors import ConfigurationError
from tests.factories import make_checkpoint, make_problem, make_run
from tests.naive import naive_labels
from tests.random_rollouts import random_rollouts
from tests.warehouse.records import rows
from warehouse import Warehouse
from warehouse.reader import Reader
from warehouse.writer import Writer


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Sixteen rollouts of one run."""
    made = Warehouse.open(tmp_path / "lamas.duckdb", create=True)
    writer = Writer(made)
    writer.add_run(make_run())
    problems = [make_problem(index) for index in range(2)]
    writer.add_problems(problems, np.zeros((2, 384), dtype=np.float32))
    writer.add_checkpoint(make_checkpoint(0))
    found = random_rollouts(16, problem_ids=[item.problem_id for item in problems])
    writer.add_rollouts([(item, naive_labels(item.trace)) for item in found])
    return made


@pytest.mark.slow
def test_a_profile_is_stored_once_by_operator_and_model(
    tmp_path: Path, warehouse: Warehouse
) -> None:
    run_id, writer = make_run().run_id, Writer(warehouse)
    found = fitted_profile(load_settings([f"home={tmp_path}"]), Reader(warehouse), run_id)
    for _ in range(2):
        writer.add_length_profiles(found.records(run_id))
    stored = rows(
        warehouse,
        "SELECT role, model, calls, training_calls FROM length_profiles ORDER BY role, model",
    )
    calls = [int(str(row[2])) for row in stored]
    assert stored[0][:2] == ("", "")
    assert calls[0] == sum(calls[1:])
    assert len(stored) == len(found.quality)
    answered = rows(
        warehouse,
        "SELECT count(*) FROM model_calls JOIN operator_invocations USING (invocation_id) "
        "JOIN rollouts USING (rollout_id) "
        "WHERE model_calls.status = 'ok' AND rollouts.status = 'ok'",
    )
    assert [(found.training_calls + calls[0],)] == answered


@pytest.mark.slow
def test_a_run_of_too_few_calls_is_told_and_so_is_a_stand_in_without_a_shape(
    tmp_path: Path, warehouse: Warehouse
) -> None:
    settings = load_settings([f"home={tmp_path}"])
    with pytest.raises(ConfigurationError, match="a profile needs at least 4"):
        fitted_profile(settings, Reader(warehouse), "another")
    settings = load_settings([f"home={tmp_path}", "simulation.model=nobody"])
    with pytest.raises(ConfigurationError, match=r"simulation\.model=nobody"):
        fitted_profile(settings, Reader(warehouse), None)
