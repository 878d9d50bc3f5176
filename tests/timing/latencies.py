"""Calls that a known latency model would give, and models to draw."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from lamas.domain import ModelCall
from lamas.domain.latency import LATENCY_UNITS, LatencyModel, SentCall

TRUTH = LatencyModel(
    request_model="m",
    first_token_seconds=0.3,
    first_token_seconds_per_input_token=0.0004,
    first_token_seconds_per_load=0.02,
    seconds_per_output_token=0.012,
    seconds_per_output_token_per_load=0.0008,
    reference_load=6.0,
)


def known_calls(
    count: int,
    *,
    seed: int = 0,
    noise: float = 0.1,
    outliers: float = 0.0,
    streamed: bool = True,
    first_chunk_tokens: int = 1,
) -> tuple[list[SentCall], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Calls of TRUTH at random tokens and loads, with lognormal noise; some ten times as slow."""
    source = np.random.default_rng(seed)
    loads = source.uniform(0.0, 12.0, count)
    calls: list[SentCall] = []
    for place in range(count):
        inputs, outputs = int(source.integers(50, 3000)), int(source.integers(5, 800))
        load = float(loads[place])
        first, rest = source.lognormal(0.0, noise, 2)
        if source.random() < outliers:
            first, rest = 10.0 * first, 10.0 * rest
        start = TRUTH.call_seconds(inputs, 0, load=load) * first
        per_token = (
            TRUTH.call_seconds(0, 1, load=load) - TRUTH.call_seconds(0, 0, load=load)
        ) * rest
        calls.append(
            SentCall(
                rollout_id=f"r{place // 4}",
                request_model="m",
                ok=True,
                usage_input_tokens=inputs,
                usage_output_tokens=outputs,
                started_at=1e9 + place,
                ended_at=1e9 + place + start + outputs * per_token,
                time_to_first_chunk_seconds=start + first_chunk_tokens * per_token
                if streamed
                else None,
            )
        )
    return calls, loads


models = st.builds(
    LatencyModel,
    request_model=st.just("m"),
    **{name: st.integers(0, 64).map(lambda value: value / 64) for name in LATENCY_UNITS},
)
"""Coefficients are multiples of 1/64, so that most sums are exact."""


def with_inputs(calls: Sequence[ModelCall], tokens: int) -> tuple[ModelCall, ...]:
    return tuple(replace(call, usage_input_tokens=tokens) for call in calls)
