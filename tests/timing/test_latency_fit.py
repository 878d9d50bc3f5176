"""Fitting: known coefficients come back, through noise, outliers and whole answers."""

from dataclasses import replace

import numpy as np
import pytest

from lamas.domain.latency import LATENCY_UNITS
from lamas.errors import DomainError
from lamas.timing.latency_fit import LEAST_CALLS, fit_latency, sent_loads
from tests.timing.latencies import TRUTH, known_calls


def coefficients(model: object) -> list[float]:
    return [getattr(model, name) for name in LATENCY_UNITS if name != "reference_load"]


@pytest.mark.parametrize("streamed", [True, False])
def test_exact_calls_give_the_exact_coefficients(streamed: bool) -> None:
    calls, loads = known_calls(200, noise=0.0, streamed=streamed, first_chunk_tokens=0)
    fitted = fit_latency(calls, loads, "m")
    assert coefficients(fitted.model) == pytest.approx(coefficients(TRUTH), rel=1e-4)
    assert fitted.model.reference_load == float(np.median(loads))
    assert (fitted.calls, fitted.streamed_calls) == (200, 200 if streamed else 0)
    if streamed:
        assert fitted.first_chunk_seconds == pytest.approx(0.0, abs=1e-4)
    else:
        assert fitted.first_chunk_seconds is None


@pytest.mark.slow
@pytest.mark.parametrize(("outliers", "streamed"), [(0.0, True), (0.05, True), (0.05, False)])
def test_noisy_calls_give_close_coefficients(outliers: float, streamed: bool) -> None:
    calls, loads = known_calls(1500, noise=0.15, outliers=outliers, streamed=streamed)
    model = fit_latency(calls, loads, "m").model
    assert model.first_token_seconds == pytest.approx(TRUTH.first_token_seconds, rel=0.15)
    assert model.seconds_per_output_token == pytest.approx(TRUTH.seconds_per_output_token, rel=0.05)
    assert model.first_token_seconds_per_input_token == pytest.approx(
        TRUTH.first_token_seconds_per_input_token, rel=0.15
    )
    for tokens in ((100, 10), (1000, 200), (2500, 700)):
        assert model.call_seconds(*tokens) == pytest.approx(
            TRUTH.call_seconds(*tokens, load=model.reference_load), rel=0.05
        )


def test_outliers_would_move_plain_least_squares() -> None:
    calls, loads = known_calls(800, noise=0.1, outliers=0.05)
    ones = np.ones(len(calls))
    tokens = np.array([call.usage_output_tokens for call in calls], dtype=float)
    inputs = np.array([call.usage_input_tokens for call in calls], dtype=float)
    design = np.column_stack((ones, inputs, loads, tokens, tokens * loads))
    plain = np.linalg.lstsq(design, np.array([call.seconds for call in calls]), rcond=None)[0]
    assert plain[3] > 1.2 * TRUTH.seconds_per_output_token
    robust = fit_latency(calls, loads, "m").model
    assert robust.seconds_per_output_token < 1.1 * TRUTH.seconds_per_output_token


@pytest.mark.slow
def test_a_first_chunk_of_many_tokens_does_not_lengthen_the_first_token() -> None:
    calls, loads = known_calls(1000, noise=0.05, first_chunk_tokens=16)
    fitted = fit_latency(calls, loads, "m")
    assert fitted.model.first_token_seconds == pytest.approx(0.3, rel=0.15)
    # Sixteen tokens at the mean load of 6.
    assert fitted.first_chunk_seconds == pytest.approx(16 * (0.012 + 6 * 0.0008), rel=0.25)


def test_coefficients_are_never_negative() -> None:
    calls, loads = known_calls(100, noise=0.0)
    shrinking = [
        replace(call, ended_at=call.started_at + 1.0 / (1 + call.usage_output_tokens))
        for call in calls
    ]
    model = fit_latency(shrinking, loads, "m").model
    assert min(coefficients(model)) >= 0.0
    assert model.seconds_per_output_token == 0.0


def test_one_call_at_a_time_has_no_effect_of_load() -> None:
    calls, loads = known_calls(100, noise=0.1)
    model = fit_latency(calls, np.zeros(len(loads)), "m").model
    assert model.first_token_seconds_per_load == model.seconds_per_output_token_per_load == 0.0
    assert model.reference_load == 0.0


@pytest.mark.slow
def test_too_few_calls_are_refused_and_others_do_not_count() -> None:
    calls, loads = known_calls(LEAST_CALLS + 1)
    failed = [replace(call, ok=False) for call in calls[:1]]
    other = [replace(call, request_model="other") for call in calls[1:2]]
    with pytest.raises(DomainError, match=r"19 measured calls of m, .* at least 20.*run=all"):
        fit_latency([*failed, *other, *calls[2:]], loads, "m")


@pytest.mark.slow
def test_calls_to_another_model_are_no_load() -> None:
    calls, _ = known_calls(2)
    together = [replace(call, started_at=0.0, ended_at=1.0) for call in calls]
    assert sent_loads(together).tolist() == [1.0, 1.0]
    together[0] = replace(together[0], request_model="other")
    assert sent_loads(together).tolist() == [0.0, 0.0]
