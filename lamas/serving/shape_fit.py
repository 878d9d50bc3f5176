"""The two lines of a model's shape, fitted to rounds of calls on a real server.

A round is a few calls sent together to an idle server: its prompts are computed one after another,
then its answers are decoded together until the longest ends. Its seconds are therefore
a · calls + b · Σ prompt + c · longest answer + d · Σ answers, linear in what is wanted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import scipy
from numpy.typing import NDArray

from lamas.errors import DomainError
from lamas.serving.shapes import ModelShape

FEWEST_ROUNDS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """Calls that began together on an idle server, and what they took until all had ended."""

    input_tokens: tuple[int, ...]
    """By call: tokens that no cache held."""
    output_tokens: tuple[int, ...]
    seconds: float


def round_seconds(shape: ModelShape, item: Round) -> float:
    """What a round takes by the two lines."""
    return (
        shape.prefill_seconds * len(item.input_tokens)
        + shape.prefill_seconds_per_token * sum(item.input_tokens)
        + shape.step_seconds * max(item.output_tokens)
        + shape.step_seconds_per_call * sum(item.output_tokens)
    )


def fitted_shape(shape: ModelShape, rounds: Sequence[Round]) -> ModelShape:
    """`shape` with the four coefficients, each ≥ 0, that predict the rounds best.

    Errors count relative to a round's seconds. Raises DomainError for fewer than 4 rounds, for
    rounds of one size alone, and where answers seem to take no time.
    """
    sizes = {len(item.output_tokens) for item in rounds}
    if len(rounds) < FEWEST_ROUNDS or len(sizes) < 2:
        raise DomainError(
            f"{len(rounds)} rounds of {len(sizes)} sizes do not tell a prompt's seconds from a "
            f"step's: measure at least {FEWEST_ROUNDS}, with one call and with several"
        )
    seconds = np.array([item.seconds for item in rounds])
    design = np.array(
        [
            (
                len(item.output_tokens),
                sum(item.input_tokens),
                max(item.output_tokens),
                sum(item.output_tokens),
            )
            for item in rounds
        ],
        dtype=np.float64,
    )
    found, _ = cast(
        "tuple[NDArray[np.float64], float]",
        scipy.optimize.nnls(design / seconds[:, None], np.ones(len(rounds))),
    )
    call, prompt, step, share = (float(value) for value in found)
    if not step + share > 0:
        raise DomainError("tokens of answers would take no time: measure longer answers")
    return replace(
        shape,
        prefill_seconds=call,
        prefill_seconds_per_token=prompt,
        step_seconds=step,
        step_seconds_per_call=share,
    )


def slower(shape: ModelShape, factor: float) -> ModelShape:
    """The same model where everything takes `factor` times as long."""
    return replace(
        shape,
        prefill_seconds=shape.prefill_seconds * factor,
        prefill_seconds_per_token=shape.prefill_seconds_per_token * factor,
        step_seconds=shape.step_seconds * factor,
        step_seconds_per_call=shape.step_seconds_per_call * factor,
    )
