"""A latency model by the plain definitions: what it predicts, credits by it, how good it is."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from scipy import stats

from lamas.domain import Credit, Rollout, Trace
from lamas.domain.latency import Agreement, LatencyFit, LatencyModel, PredictedSeconds
from tests.factories import T0
from tests.naive import naive_credits, naive_labels, plain_sum

MODEL = LatencyModel(
    request_model="gpt-4o-mini",
    first_token_seconds=0.31,
    first_token_seconds_per_input_token=0.0007,
    first_token_seconds_per_load=0.013,
    seconds_per_output_token=0.0171,
    seconds_per_output_token_per_load=0.00019,
    reference_load=5.3,
)
LINE = (0.7, 0.009)
"""Seconds at CP_len 0 and per token."""


def naive_predictions(rollout: Rollout, model: LatencyModel = MODEL) -> dict[str, float]:
    """Seconds of each invocation: per stage its slowest branch."""
    found: dict[str, float] = {}
    for item in rollout.trace.invocations:
        parts = (*item.calls, *item.tools)
        stages: list[float] = []
        for stage in sorted({part.stage for part in parts}):
            branches = {part.branch for part in parts if part.stage == stage}
            stages.append(
                max(
                    plain_sum(
                        model.call_seconds(call.usage_input_tokens, call.usage_output_tokens)
                        for call in item.calls
                        if (call.stage, call.branch) == (stage, branch) and call.status == "ok"
                    )
                    + plain_sum(
                        tool.charged_seconds
                        for tool in item.tools
                        if (tool.stage, tool.branch) == (stage, branch)
                    )
                    for branch in branches
                )
            )
        found[item.invocation_id] = plain_sum(stages)
    return found


def predictions_of(
    rollouts: Sequence[Rollout], *, held_out: bool = False
) -> list[PredictedSeconds]:
    return [
        PredictedSeconds(
            invocation_id=invocation_id,
            latency_model_id=MODEL.latency_model_id,
            seconds=seconds,
            held_out=held_out,
        )
        for rollout in rollouts
        for invocation_id, seconds in naive_predictions(rollout).items()
    ]


def timed_trace(rollout: Rollout) -> Trace:
    """The trace with predicted seconds where tokens were, one of them to the second."""
    seconds = naive_predictions(rollout)
    invocations = tuple(
        replace(item, cp_tokens=seconds[item.invocation_id]) for item in rollout.trace.invocations
    )
    return replace(rollout.trace, gamma=1.0, invocations=invocations)


def predicted_makespan(rollout: Rollout) -> float:
    maxima = {item.layer: item.layer_max_tokens for item in naive_labels(timed_trace(rollout))}
    return plain_sum(maxima[layer] for layer in sorted(maxima))


def fitted_credits(rollout: Rollout, rule: str) -> tuple[Credit, ...]:
    """Credits of one rollout whose T is its predicted makespan."""
    timed = replace(
        rollout, trace=timed_trace(rollout), virtual_seconds=predicted_makespan(rollout)
    )
    return tuple(
        replace(item, latency_model_id=MODEL.latency_model_id)
        for item in naive_credits(timed, rule)
    )


def make_fit(held_out: Sequence[Rollout] = (), *, fitted_at: float = T0) -> LatencyFit:
    """The model with its figures on these rollouts."""
    measured = [item.makespan_seconds for item in held_out]
    return LatencyFit(
        model=MODEL,
        run_id="run-1",
        seed=0,
        held_out_fraction=0.2,
        calls=100,
        streamed_calls=60,
        first_chunk_seconds=0.02,
        rollouts=20,
        proxy_seconds_at_zero=LINE[0],
        proxy_seconds_per_token=LINE[1],
        held_out=_agreement([predicted_makespan(item) for item in held_out], measured),
        proxy=_agreement([LINE[0] + LINE[1] * item.cp_tokens for item in held_out], measured),
        fitted_at=fitted_at,
    )


def _agreement(predicted: list[float], measured: list[float]) -> Agreement:
    if len(measured) < 2:
        return Agreement(
            n=len(measured),
            median_absolute_percentage_error=None,
            r_squared=None,
            pearson=None,
            spearman=None,
        )
    guess, truth = np.array(predicted), np.array(measured)
    return Agreement(
        n=len(measured),
        median_absolute_percentage_error=float(np.median(100 * np.abs(guess - truth) / truth)),
        r_squared=float(1 - np.sum((truth - guess) ** 2) / np.sum((truth - truth.mean()) ** 2)),
        pearson=cast("tuple[float, float]", stats.pearsonr(guess, truth))[0],
        spearman=cast("tuple[float, float]", stats.spearmanr(guess, truth))[0],
    )
