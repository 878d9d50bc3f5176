"""The lines of a shape from rounds on a server: what made the rounds is found again."""

from dataclasses import replace

import pytest

from lamas.errors import DomainError
from lamas.serving.shape_fit import Round, fitted_shape, slower
from lamas.serving.shapes import ModelShape
from tests.serving.world import SHAPES, SMALL


def served(shape: ModelShape, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Round:
    """A round step by step: prompts one after another, then a token for all that go on."""
    seconds = sum(
        shape.prefill_seconds + shape.prefill_seconds_per_token * tokens for tokens in inputs
    )
    for step in range(max(outputs)):
        batch = sum(tokens > step for tokens in outputs)
        seconds += shape.step_seconds + shape.step_seconds_per_call * batch
    return Round(input_tokens=inputs, output_tokens=outputs, seconds=seconds)


ROUNDS = (((9,), (30,)), ((200,), (4,)), ((40, 60), (20, 10)), ((20, 30, 25, 5), (16, 12, 30, 2)))


@pytest.mark.parametrize(("step", "share"), [(0.01, 0.001), (0.0, 0.02)])
def test_the_lines_that_made_the_rounds_are_found(step: float, share: float) -> None:
    shape = replace(SHAPES[SMALL], step_seconds=step, step_seconds_per_call=share)
    rounds = [served(shape, *round_of) for round_of in ROUNDS]
    found = fitted_shape(slower(shape, 3.0), rounds)
    for name in ("prefill_seconds", "prefill_seconds_per_token", "step_seconds_per_call"):
        assert getattr(found, name) == pytest.approx(getattr(shape, name), rel=1e-6)
    assert found.step_seconds == pytest.approx(step, abs=1e-9)


def test_rounds_that_cannot_tell_are_refused() -> None:
    rounds = [served(SHAPES[SMALL], (9,), (tokens,)) for tokens in (3, 9, 20, 40)]
    with pytest.raises(DomainError, match="with one call and with several"):
        fitted_shape(SHAPES[SMALL], rounds)
    with pytest.raises(DomainError, match="at least 4"):
        fitted_shape(SHAPES[SMALL], rounds[:3])
