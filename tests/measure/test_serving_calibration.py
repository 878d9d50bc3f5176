"""The calibration's own arithmetic: what it fits and predicts of a server that is the simulator."""

import random
from dataclasses import replace

import pytest

from lamas.serving.shape_fit import Round, round_seconds, slower
from lamas.serving.workloads.workflow import CallTruth, Piece, Workflow
from tests.measure.served_loads import MODEL, SLOTS, UNKNOWN, Asked, Load, busy_seconds
from tests.measure.serving_calibration import capacity, figure, fitted, predicted, slowness


def call(layer: int, number: int, parents: tuple[int, ...] = ()) -> CallTruth:
    return CallTruth(
        role="Tell",
        model=MODEL,
        layer=layer,
        output_tokens=10,
        max_tokens=10,
        prompt=(Piece(number, 40),),
        parents=parents,
    )


def test_workflows_far_apart_take_their_idle_seconds_and_crowded_ones_wait() -> None:
    graph = Workflow(workflow_type="m", calls=(call(0, 1), call(1, 2, (0,))))
    alone = 2 * UNKNOWN.alone_seconds(40, 10)
    apart = Load("light", 0.1, workflows=[(100.0 * at, 0.0, graph) for at in range(4)])
    assert predicted(apart, UNKNOWN) == pytest.approx([alone] * 4)
    crowd = Load("full", 9.0, workflows=[(0.001 * at, 0.0, graph) for at in range(3 * SLOTS)])
    took = predicted(crowd, UNKNOWN)
    assert max(took) > 2 * alone
    assert figure(took, 0.95) > figure(took, None) > alone


def test_rounds_on_a_busy_machine_are_fitted_to_processor_seconds_and_stretched() -> None:
    """Whatever part of a round others took, the shape is that of the mean share."""
    rng = random.Random(0)
    rounds: list[tuple[Round, float]] = []
    sizes = (((9,), (30,)), ((200,), (4,)), ((40, 60), (20, 10)), ((5,) * 4, (9,) * 4))
    for inputs, outputs in sizes:
        item = Round(input_tokens=inputs, output_tokens=outputs, seconds=1.0)
        own = round_seconds(UNKNOWN, item)
        seconds = own / rng.uniform(0.2, 0.9)
        rounds.append((replace(item, seconds=seconds), own))
    shape, share = fitted(rounds)
    assert slowness(rounds) == pytest.approx(1 / share)
    wanted = slower(UNKNOWN, 1 / share)
    assert shape.prefill_seconds_per_token == pytest.approx(wanted.prefill_seconds_per_token)
    assert shape.step_seconds == pytest.approx(wanted.step_seconds)
    assert shape.step_seconds_per_call == pytest.approx(wanted.step_seconds_per_call)


def test_busy_seconds_count_once_and_a_slower_shape_serves_less() -> None:
    assert busy_seconds([(5.0, 6.0), (0.0, 2.0), (1.0, 3.0)]) == 4.0
    plans = (((Asked(20, 10), Asked(30, 5)), (Asked(9, 9),)),)
    assert capacity(slower(UNKNOWN, 2.0), plans) == pytest.approx(capacity(UNKNOWN, plans) / 2)
