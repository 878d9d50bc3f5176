"""What a latency model says of the rollouts for measuring the warehouse, and how good it is."""

from collections.abc import Sequence
from itertools import groupby

import polars as pl

from lamas.domain import OperatorInvocation, Rollout, ordered_sum
from lamas.domain.latency import Agreement, LatencyFit, PredictedSeconds
from tests.measure.warehouse.rollouts import labelled_rollout
from tests.measure.warehouse.runs import LATENCY_MODEL, latency_model_id
from warehouse.writer import LabelledRollout

_PROXY = (0.5, 0.01)
"""Seconds at CP_len 0 and per token."""
_HELD_OUT = 5
"""Every which training rollout is kept from the fit."""


def predictions(batch: Sequence[LabelledRollout]) -> list[PredictedSeconds]:
    """Of all invocations of the training rollouts whose credits charge predicted seconds."""
    return [
        PredictedSeconds(
            invocation_id=item.invocation_id,
            latency_model_id=LATENCY_MODEL.latency_model_id,
            seconds=_seconds(item),
            held_out=_held_out(rollout),
        )
        for rollout, _ in batch
        if latency_model_id(rollout.plan)
        for item in rollout.trace.invocations
    ]


def fit(rollouts: int) -> LatencyFit:
    """The model, and its figures on those of the first `rollouts` rollouts that are held out."""
    made = (labelled_rollout(number)[0] for number in range(0, rollouts, _HELD_OUT))
    kept = [rollout for rollout in made if latency_model_id(rollout.plan) and _held_out(rollout)]
    frame = pl.DataFrame(
        {
            "measured": [item.makespan_seconds for item in kept],
            "predicted": [_makespan(item) for item in kept],
            "proxy": [_PROXY[0] + _PROXY[1] * item.cp_tokens for item in kept],
        }
    )
    return LatencyFit(
        model=LATENCY_MODEL,
        run_id=None,
        seed=0,
        held_out_fraction=1 / _HELD_OUT,
        calls=1,
        streamed_calls=1,
        first_chunk_seconds=0.02,
        rollouts=1,
        proxy_seconds_at_zero=_PROXY[0],
        proxy_seconds_per_token=_PROXY[1],
        held_out=_agreement(frame, "predicted"),
        proxy=_agreement(frame, "proxy"),
        fitted_at=0.0,
    )


def _held_out(rollout: Rollout) -> bool:
    return rollout.plan.sample_index % _HELD_OUT == 0


def _seconds(item: OperatorInvocation) -> float:
    """Its one stage: the slowest branch, and the program of the only one."""
    return (
        max(
            LATENCY_MODEL.call_seconds(call.usage_input_tokens, call.usage_output_tokens)
            for call in item.calls
            if call.status == "ok"
        )
        + item.tool_seconds
    )


def _makespan(rollout: Rollout) -> float:
    layers = groupby(rollout.trace.invocations, key=lambda item: item.layer)
    return ordered_sum(max(_seconds(item) for item in layer) for _, layer in layers)


def _agreement(frame: pl.DataFrame, name: str) -> Agreement:
    measured, seconds = pl.col("measured"), pl.col(name)
    error = measured - seconds
    figures = frame.select(
        percentage=100 * (error.abs() / measured).median(),
        r_squared=1 - (error**2).sum() / ((measured - measured.mean()) ** 2).sum(),
        pearson=pl.corr(seconds, measured),
        spearman=pl.corr(seconds, measured, method="spearman"),
    ).row(0, named=True)
    return Agreement(
        n=frame.height,
        median_absolute_percentage_error=figures["percentage"],
        r_squared=figures["r_squared"],
        pearson=figures["pearson"],
        spearman=figures["spearman"],
    )
