"""What is told of the steps that a table's controller is made in, and the credit of its cells."""

import pytest
import torch

from lamas.controller import Controller
from lamas.domain.table_fit import TabulatedDecision
from lamas.training import Trainer, state_digest
from lamas.training.table_credit import table_credits
from lamas.training.table_learner import TableFit, fit_table
from lamas.training.table_settings import TableSettings
from lamas.training.table_steps import OnStep, TableStep
from tests.training.table_world import OPERATOR_ROWS, OPERATORS, SETTINGS, world

pytestmark = pytest.mark.slow


def fitted(on_step: OnStep | None = None) -> TableFit:
    return fit_table(
        world(60).table,
        OPERATORS,
        OPERATOR_ROWS,
        controller=SETTINGS,
        settings=TableSettings(steps=(3,), batch=20),
        on_step=on_step,
    )


def test_every_step_is_told_with_the_controller_it_left() -> None:
    told: list[tuple[TableStep, str]] = []

    def on_step(step: TableStep, controller: Controller) -> None:
        told.append((step, state_digest(Trainer(controller))))

    fit = fitted(on_step)
    assert [step.step for step, _ in told] == [1, 2, 3, 4]
    assert [step.problems for step, _ in told] == [60, 20, 20, 20]
    assert [step.learning_rate > 0 for step, _ in told] == [False, True, True, True]
    assert len({digest for _, digest in told}) == 4
    assert told[-1][1] == state_digest(Trainer(fit.controller))
    for step, _ in told:
        # The regression makes no gradient step.
        assert (step.gradient_norm > 0) == (step.learning_rate > 0)
        assert 0 <= step.entropy <= float(torch.tensor(3.0).log()) + 1e-9
    # Untrained, every layer is worth the same: the regression is what makes it better.
    assert told[1][0].loss < told[0][0].loss


def test_whether_anybody_listens_changes_no_weight() -> None:
    listened, alone = fitted(lambda step, controller: None), fitted()
    assert state_digest(Trainer(listened.controller)) == state_digest(Trainer(alone.controller))


def test_credit_is_the_score_less_the_price_of_waiting_against_the_problems_mean() -> None:
    decisions = [
        TabulatedDecision(rollout_id="b", problem_id="p", operator="Long", score=1.0, time=40.0),
        TabulatedDecision(rollout_id="a", problem_id="p", operator="Quick", score=0.0, time=10.0),
        TabulatedDecision(rollout_id="c", problem_id="q", operator="Quick", score=1.0, time=10.0),
    ]
    quick, long, alone = table_credits(decisions, multiplier=0.01, score_unit=0.5, time_unit=50.0)
    assert (quick.rollout_id, quick.operator, quick.layer) == ("a", "Quick", 1)
    assert (quick.latency_term, quick.reward) == (pytest.approx(-0.1), pytest.approx(-0.1))
    assert long.reward == pytest.approx(0.6)
    assert quick.baseline == long.baseline == pytest.approx(0.25)
    assert long.scale == pytest.approx(1.0)
    assert long.advantage == pytest.approx(0.35)
    # Against itself an only cell is worth nothing.
    assert alone.advantage == 0.0
