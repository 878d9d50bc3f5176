"""The figures that the bench prints: batched beside one at a time, in core seconds."""

import pytest

from lamas.controller import LAYERED_KINDS, ControllerSettings, build_controller
from lamas.training import Trainer
from tests.measure.choosing import OPERATORS, decide_timing, random_queries
from tests.measure.learning import update_timing


@pytest.mark.slow
def test_a_thousand_graphs_are_chosen_in_a_few_passes() -> None:
    for kind in LAYERED_KINDS:
        settings = ControllerSettings(kind=kind)
        timing = decide_timing(
            build_controller(settings, OPERATORS, random_queries(len(OPERATORS)))
        )
        assert timing.ratio > 5
        assert f"decide 1000 queries, controller={kind}" in str(timing)


@pytest.mark.slow
def test_an_update_on_a_thousand_rollouts_is_one_batched_pass() -> None:
    controller = build_controller(ControllerSettings(), OPERATORS, random_queries(len(OPERATORS)))
    timing = update_timing(Trainer(controller))
    assert timing.ratio > 5
