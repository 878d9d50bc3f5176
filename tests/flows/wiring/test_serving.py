"""From a configuration to simulated cells: recorded answers, what is missing, what is repeated."""

from pathlib import Path

import pytest

from flows.settings.compose import load_settings
from flows.wiring.serving import build_world, run_cell
from lamas.errors import ConfigurationError
from tests.serving.test_workloads import recorded_files

pytestmark = pytest.mark.slow


def overrides(folder: Path, *more: str) -> list[str]:
    questions, answers = recorded_files(folder, 30)
    return [
        "experiment=serving",
        f"home={folder / 'home'}",
        f"simulation.questions={questions}",
        f"simulation.answers={answers}",
        "simulation.workflows=12",
        *more,
    ]


def test_a_cell_of_the_experiment_serves_all_its_workflows_and_again_the_same(
    tmp_path: Path,
) -> None:
    settings = load_settings(overrides(tmp_path))
    world = build_world(settings, None)
    assert not {id(item) for item in world.training} & {id(item) for item in world.held_out}
    for name in settings.simulation.policies:
        cell, kept = run_cell(world, "run", name, 0.9, 3)
        assert (cell.policies, cell.seed, cell.workload) == (name, 3, "recorded")
        assert cell.priority == settings.simulation.policies[name].priority
        assert len(kept.workflows) == 12
        assert kept.calls
    assert run_cell(world, "run", "slack", 0.9, 3) == run_cell(world, "run", "slack", 0.9, 3)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("simulation.workload=agents", "simulation.traces is missing"),
        ("simulation.workload=rollouts", "needs a warehouse"),
        ("simulation.recorded_benchmark=none", "holds no answer of GenerateCoT"),
    ],
)
def test_a_workload_that_cannot_be_read_is_told(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        build_world(load_settings(overrides(tmp_path, more)), None)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("simulation.reference=nobody", "none of simulation.policies"),
        ("simulation.loads=[0]", "must all be > 0"),
    ],
)
def test_a_section_that_contradicts_itself_is_told(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        load_settings(overrides(tmp_path, more))
