"""Learning from a table: it finds what depends on the query, keeps its bound, and repeats."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from lamas.controller import ControllerSettings, build_controller
from lamas.controller.condition import Condition
from lamas.errors import ConfigurationError, DomainError
from lamas.training import Trainer, load_controller, save_checkpoint, state_digest
from lamas.training.expected import ExactChoices
from lamas.training.table_decisions import decided_graphs
from lamas.training.table_learner import TableFit, fit_table
from lamas.training.table_settings import TableSettings
from lamas.training.training_table import TrainingTable
from tests.training.table_world import OPERATOR_ROWS, OPERATORS, SETTINGS, world


def fitted(problems: int = 300, *, seed: int = 0, margin: float = 0.02) -> TableFit:
    return fit_table(
        world(problems).table,
        OPERATORS,
        OPERATOR_ROWS,
        controller=SETTINGS,
        settings=TableSettings(steps=(0, 5), margin=margin),
        seed=seed,
    )


@pytest.fixture(scope="module")
def fit() -> TableFit:
    return fitted()


def names(fit: TableFit, table: TrainingTable, **condition: float) -> list[str]:
    multiplier = fit.controller.multiplier(Condition(**condition))
    assert multiplier is not None
    rows = len(table.embeddings)
    chosen = fit.controller.decide(table.embeddings, multipliers=[multiplier] * rows)
    return [str(choice.graph) for choice in chosen]


@pytest.mark.slow
def test_it_thinks_long_where_the_query_shows_that_it_must(fit: TableFit) -> None:
    unseen = world(400, seed=1)
    chosen = np.array(names(fit, unseen.table))
    assert str(fit.best.graph) == "Long"
    assert (chosen[unseen.easy] == "Quick").mean() > 0.95
    assert (chosen[~unseen.easy] == "Long").mean() > 0.95


@pytest.mark.slow
def test_its_own_multiplier_keeps_the_bound_on_problems_it_did_not_see(fit: TableFit) -> None:
    assert fit.score >= fit.best.score - 0.02
    assert fit.time < 0.75 * fit.best.time


@pytest.mark.slow
def test_what_a_standard_error_may_take_keeps_a_bound_of_its_own() -> None:
    of = world(60).table

    def learned(doubtful_margin: float) -> TableFit:
        settings = TableSettings(steps=(0,), margin=0.5, doubtful_margin=doubtful_margin)
        return fit_table(of, OPERATORS, OPERATOR_ROWS, controller=SETTINGS, settings=settings)

    bold, careful = learned(1.0), learned(0.02)
    # The margin alone lets it be quick throughout; a standard error of 60 answers does not.
    assert bold.time == pytest.approx(1.0)
    assert careful.multiplier < bold.multiplier
    assert careful.score > bold.score + 0.1


@pytest.mark.slow
def test_decided_graphs_are_as_good_as_the_expectation_says(fit: TableFit) -> None:
    assert fit.decided_score == pytest.approx(fit.expected_score, abs=0.01)
    assert fit.decided_time == pytest.approx(fit.expected_time, rel=0.02)


def test_one_controller_serves_the_whole_frontier(fit: TableFit) -> None:
    table = world(200, seed=2).table
    assert set(names(fit, table, deadline=1.01)) == {"Quick"}
    hasty, careful = (
        sum(name == "Long" for name in names(fit, table, multiplier=price))
        for price in (10.0, 1e-3)
    )
    assert hasty == 0
    assert careful > 80


@pytest.mark.slow
def test_the_expectation_is_over_the_graphs_that_are_drawn() -> None:
    controller = fitted(100).controller
    controller.policy.get_buffer("sharpness").fill_(2.0)
    table = world(100).table
    query, copies = table.embeddings[:1], 4000
    condition = torch.full((1,), math.log(0.1), dtype=torch.float64)
    encoded = controller.policy.encode(torch.from_numpy(query))
    found = ExactChoices(controller).of(encoded, condition)
    expected: list[float] = found[0].detach().numpy().tolist()
    drawn = controller.sample(
        np.repeat(query, copies, axis=0), range(copies), multipliers=[0.1] * copies
    )
    counts = [sum(choice.graph == graph for choice in drawn) for graph in table.graphs]
    for count, probability in zip(counts, expected, strict=True):
        deviation = math.sqrt(probability * (1 - probability) / copies)
        assert count / copies == pytest.approx(probability, abs=5 * deviation + 1e-9)


def test_decided_graphs_are_those_that_the_controller_decides(fit: TableFit) -> None:
    table = world(50, seed=3).table
    places = decided_graphs(fit.controller, table.embeddings, math.log(fit.multiplier))
    chosen: list[int] = places.tolist()
    assert [str(table.graphs[place]) for place in chosen] == names(fit, table)


def test_stored_decisions_have_the_log_probability_they_were_drawn_with(fit: TableFit) -> None:
    table = world(20, seed=4).table
    prices = np.geomspace(0.01, 1.0, 20).tolist()
    drawn = fit.controller.sample(table.embeddings, range(20), multipliers=prices)
    again = fit.controller.log_prob(
        table.embeddings, [choice.decisions for choice in drawn], multipliers=prices
    )
    stored = [one.log_probability for choice in drawn for one in choice.decisions]
    assert again.decisions.tolist() == pytest.approx(stored, abs=1e-9)


@pytest.mark.slow
def test_equal_arguments_give_equal_controllers_and_another_seed_others() -> None:
    first, again, other = (
        state_digest(Trainer(fitted(30, seed=seed).controller)) for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other


@pytest.mark.slow
def test_a_checkpoint_keeps_the_frontier(fit: TableFit, tmp_path: Path) -> None:
    saved = save_checkpoint(Trainer(fit.controller), tmp_path)
    loaded = load_controller(saved.path, operators=OPERATORS)
    assert loaded.multiplier(Condition()) == pytest.approx(fit.multiplier)
    for condition in (Condition(deadline=2.0), Condition(deadline=3.0)):
        assert loaded.multiplier(condition) == fit.controller.multiplier(condition)


@pytest.mark.slow
def test_what_cannot_be_learned_is_refused() -> None:
    table = world(10).table

    def fit(settings: ControllerSettings, of: TrainingTable = table) -> None:
        fit_table(of, OPERATORS, OPERATOR_ROWS, controller=settings)

    with pytest.raises(ConfigurationError, match="learner=table trains controller=conditioned"):
        fit(ControllerSettings(kind="lamas"))
    with pytest.raises(ConfigurationError, match=r"set controller\.width"):
        ControllerSettings(kind="conditioned", layers=1)
    with pytest.raises(ConfigurationError, match="chooses one layer"):
        fit(ControllerSettings(kind="conditioned", layers=2, width=2))
    with pytest.raises(DomainError, match=r"values 3 graphs, .* the 2 that"):
        fit(ControllerSettings(kind="conditioned", layers=1, width=1))
    with pytest.raises(DomainError, match="4 problems is too small for 5 parts"):
        fit(SETTINGS, table.rows(np.arange(4)))
    with pytest.raises(ConfigurationError, match="sums over all graphs of one layer"):
        ExactChoices(build_controller(ControllerSettings(), OPERATORS, OPERATOR_ROWS))
    with pytest.raises(ConfigurationError, match="has one trade of score against time"):
        build_controller(ControllerSettings(), OPERATORS, OPERATOR_ROWS).multiplier(
            Condition(deadline=1.0)
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"steps": (5, 5)}, "rising"),
        ({"batch": 0}, "batch"),
        ({"folds": 1}, "folds"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"margin": -1.0}, "margin"),
        ({"doubtful_margin": -1.0}, "doubtful_margin"),
    ],
)
def test_knobs_out_of_range_are_refused(settings: dict[str, float], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        TableSettings(**settings)  # pyright: ignore[reportArgumentType]
