"""How a latency model is fitted to calls that were really sent: robust, coefficients ≥ 0."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import scipy
from numpy.typing import NDArray

from lamas.domain.latency import LatencyModel, SentCall
from lamas.errors import DomainError
from lamas.timing.load import average_loads

LEAST_CALLS = 20
"""Fewer measured calls than this say nothing about six coefficients."""
MOST_ROUNDS = 100

_FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class FittedCalls:
    """A latency model and the calls behind it."""

    model: LatencyModel
    calls: int
    streamed_calls: int
    first_chunk_seconds: float | None
    """From the first token to the end of the first chunk, at the reference load."""


def fit_latency(calls: Sequence[SentCall], loads: _FloatArray, request_model: str) -> FittedCalls:
    """Fit (a + e·load) + b·input + (c + d·load)·output to the seconds of finished calls.

    Input tokens are those that did not come from the endpoint's prompt cache. `loads` [n] are those
    of `average_loads` over everything that was in flight. A streamed call also says when its first
    chunk came: (a + e·load) + b·input + the time of that chunk's tokens.
    Residuals count relative to the predicted seconds and outliers only linearly (soft L1 beyond
    their median size). The reference load is the median. Raises DomainError for fewer than
    LEAST_CALLS calls or calls that took no time.
    """
    chosen = [
        place
        for place, call in enumerate(calls)
        if call.ok and call.request_model == request_model and call.seconds > 0.0
    ]
    if len(chosen) < LEAST_CALLS:
        raise DomainError(
            f"{len(chosen)} measured calls of {request_model}, a latency model needs at least "
            f"{LEAST_CALLS}: collect more rollouts, or fit on more runs with run=all"
        )
    fitted = [calls[place] for place in chosen]
    load = np.asarray(loads, dtype=np.float64)[chosen]
    design, seconds = _equations(fitted, load)
    coefficients = _robust(design, seconds)
    a, b, e, c, d, chunk, chunk_per_load = (float(value) for value in coefficients)
    reference_load = float(np.median(load))
    streamed = sum(call.time_to_first_chunk_seconds is not None for call in fitted)
    return FittedCalls(
        model=LatencyModel(
            request_model=request_model,
            first_token_seconds=a,
            first_token_seconds_per_input_token=b,
            first_token_seconds_per_load=e,
            seconds_per_output_token=c,
            seconds_per_output_token_per_load=d,
            reference_load=reference_load,
            uncached=True,
        ),
        calls=len(fitted),
        streamed_calls=streamed,
        first_chunk_seconds=chunk + chunk_per_load * reference_load if streamed else None,
    )


def sent_loads(calls: Sequence[SentCall]) -> _FloatArray:
    """Load of each call; calls to other models do not weigh on it."""
    loads = np.zeros(len(calls))
    for name in {call.request_model for call in calls}:
        places = [place for place, call in enumerate(calls) if call.request_model == name]
        loads[places] = average_loads(
            [calls[place].started_at for place in places],
            [calls[place].ended_at for place in places],
        )
    return loads


def _equations(calls: Sequence[SentCall], load: _FloatArray) -> tuple[_FloatArray, _FloatArray]:
    """Rows over (a, b, e, c, d, chunk, chunk per load): whole calls, then first chunks of streamed
    ones, which come when an unknown number of tokens is there.
    """
    inputs = np.array(
        [call.usage_input_tokens - call.usage_cached_tokens for call in calls], dtype=np.float64
    )
    outputs = np.array([call.usage_output_tokens for call in calls], dtype=np.float64)
    ones, nothing = np.ones(len(calls)), np.zeros(len(calls))
    whole = np.column_stack((ones, inputs, load, outputs, outputs * load, nothing, nothing))
    start = np.column_stack((ones, inputs, load, nothing, nothing, ones, load))
    first = [call.time_to_first_chunk_seconds for call in calls]
    streamed = np.array([item is not None for item in first])
    seconds = np.array([call.seconds for call in calls])
    first_seconds = np.array([item for item in first if item is not None], dtype=np.float64)
    return np.vstack((whole, start[streamed])), np.concatenate((seconds, first_seconds))


def _robust(design: _FloatArray, seconds: _FloatArray) -> _FloatArray:
    """Coefficients ≥ 0 that leave small relative residuals for most rows."""
    # Columns of one size: milliseconds per token and seconds must weigh alike.
    size = np.linalg.norm(design, axis=0)
    used = size > 0.0
    scaled = design[:, used] / size[used]
    found = _least_squares(scaled, seconds)
    # A residual counts against what was predicted, but never against next to nothing.
    floor = 0.1 * float(np.median(seconds))
    for _ in range(2):
        weight = 1.0 / np.maximum(scaled @ found, floor)
        found = _soft_l1(scaled * weight[:, None], seconds * weight, found)
    coefficients = np.zeros(design.shape[1])
    coefficients[used] = found / size[used]
    return coefficients


def _soft_l1(rows: _FloatArray, target: _FloatArray, found: _FloatArray) -> _FloatArray:
    """Least Σ s²·(√(1 + (r/s)²) − 1) by reweighting, s the typical size of a residual r."""
    residuals = rows @ found - target
    typical = max(1.4826 * float(np.median(np.abs(residuals))), 1e-6)
    for _ in range(MOST_ROUNDS):
        weight = (1.0 + (residuals / typical) ** 2) ** -0.25
        better = _least_squares(rows * weight[:, None], target * weight)
        moved = float(np.max(np.abs(better - found), initial=0.0))
        found, residuals = better, rows @ better - target
        if moved <= 1e-10 * float(np.max(np.abs(found), initial=0.0)):
            break
    return found


def _least_squares(rows: _FloatArray, target: _FloatArray) -> _FloatArray:
    """Non-negative least squares; thousands of rows are first reduced to as many as columns."""
    orthogonal, triangle = np.linalg.qr(rows)
    solution = cast(
        "tuple[_FloatArray, float]", scipy.optimize.nnls(triangle, orthogonal.T @ target)
    )
    return solution[0]
