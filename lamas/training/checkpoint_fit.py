"""Whether the tensors of a checkpoint are those of the learner that its header describes."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from lamas.controller import EMBEDDING_SIZE, build_controller
from lamas.errors import LamasError
from lamas.training.checkpoint_header import CheckpointHeader

STORABLE = (torch.float64, torch.float32, torch.int64, torch.uint8, torch.bool)
"""What a checkpoint's tensors may hold."""
_LARGEST = 2**63 - 1
_STEPS, _SQUARES = "step", "exp_avg_sq"
_MOMENTS = {_STEPS, "exp_avg", _SQUARES}


def header_flaw(header: CheckpointHeader) -> str | None:
    """What no learner's header says, in a few words; None for a sound one."""
    state = header.baseline_state
    for name, count in (("step", header.step), ("seed", header.seed), ("batches", state.batches)):
        if not 0 <= count <= _LARGEST:
            return f"its {name} is {count}"
    for name, value in (("mean", state.mean), ("variance", state.variance)):
        if not math.isfinite(value):
            return f"its baseline's {name} is {value}"
    if state.variance < 0.0:
        return f"its baseline's variance is {state.variance}"
    return None


def weights_flaw(header: CheckpointHeader, weights: Mapping[str, Tensor]) -> str | None:
    """What of the weights does not fit the header, before memory is taken for any; None if all."""
    try:
        operators = header.operator_set()
        blank = np.zeros((len(operators), EMBEDDING_SIZE))
        with torch.device("meta"):
            expected = build_controller(header.controller, operators, blank).state_dict()
    except (RuntimeError, ValueError, TypeError, OverflowError, LamasError) as error:
        return f"no controller can be built as it says: {str(error).splitlines()[0]}"
    if set(weights) != set(expected):
        odd = sorted(set(weights) ^ set(expected))
        return f"its weights do not fit this version: {', '.join(odd)}"
    for name, value in weights.items():
        flaw = _difference(value, expected[name]) or _not_finite(value)
        if flaw is not None:
            return f"its weights {name} {flaw}"
    return None


def moments_flaw(
    header: CheckpointHeader,
    moments: Mapping[str, Mapping[str, Tensor]],
    parameters: Mapping[str, Tensor],
) -> str | None:
    """What of Adam's moments, by parameter, does not fit the parameters; None if all does."""
    # One that was fitted to a table has steps behind it that were none of this optimiser.
    if header.step > 0 and not moments and header.controller.kind != "conditioned":
        return "its optimiser has no moments"
    for name, stored in moments.items():
        if name not in parameters:
            return f"its optimiser holds moments of {name}, which is no parameter"
        if set(stored) != _MOMENTS:
            odd = ", ".join(sorted(set(stored) ^ _MOMENTS))
            return f"its optimiser's moments of {name} are not those of Adam: {odd}"
        for moment, value in stored.items():
            like = torch.zeros((), dtype=torch.float32) if moment == _STEPS else parameters[name]
            flaw = _difference(value, like) or _not_finite(value)
            if flaw is None and moment in (_STEPS, _SQUARES) and bool((value < 0).any()):
                flaw = "are below 0"
            if flaw is not None:
                return f"its optimiser's {moment} of {name} {flaw}"
    return None


def _difference(value: Tensor, expected: Tensor) -> str | None:
    if value.shape == expected.shape and value.dtype == expected.dtype:
        return None
    return (
        f"are {value.dtype} {list(value.shape)}, "
        f"this version has {expected.dtype} {list(expected.shape)}"
    )


def _not_finite(value: Tensor) -> str | None:
    return None if bool(torch.isfinite(value).all()) else "hold values that are no numbers"
