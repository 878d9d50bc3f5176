"""From measured calls in the warehouse to a stored latency model and how good it is."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from flows.settings import Settings
from lamas.domain import Clock
from lamas.domain.latency import LatencyFit, SentCall
from lamas.errors import ConfigurationError
from lamas.evaluation.latency import (
    LatencyResult,
    agreement,
    held_out_predictions,
    operator_correlations,
    proxy_line,
    split_rollouts,
    time_between_calls,
)
from lamas.timing.latency_fit import fit_latency, sent_loads
from lamas.timing.latency_model import predicted_makespan, predicted_seconds
from warehouse import Warehouse
from warehouse.call_times import CallTimes
from warehouse.reader import Reader
from warehouse.writer import Writer

ALL_RUNS = "all"
MOST_HELD_OUT = 2000
"""Held-out rollouts are read with all their calls: more would only take memory."""


def fit_run(warehouse: Warehouse, settings: Settings) -> tuple[LatencyResult, ...]:
    """Fit and store a latency model for every model that the run (or all runs) called.

    The run is `run=…`, every run with `run=all`, else the one with the latest measured call.
    Raises DomainError or WarehouseError when too little was measured.
    """
    times = CallTimes(warehouse)
    run_id = None if settings.run == ALL_RUNS else settings.run or times.latest_measured_run()
    if run_id is not None:
        Reader(warehouse).run(run_id)
    calls = times.sent_calls(run_id)
    if not calls:
        raise ConfigurationError(
            f"run {run_id} sent no model call (all answers were replayed, or none was asked for): "
            "name another run with run=…, or run=all"
        )
    loads = sent_loads(calls)
    results: list[LatencyResult] = []
    for name in sorted({call.request_model for call in calls}):
        places = [place for place, call in enumerate(calls) if call.request_model == name]
        of_model = [calls[place] for place in places]
        split = _split(times, settings, run_id, of_model)
        kept = [at for at, call in enumerate(of_model) if call.rollout_id not in split.held_out]
        fitted = fit_latency([of_model[at] for at in kept], loads[places][kept], name)
        line = proxy_line(*split.fitted_pairs())
        held_out = Reader(warehouse).rollouts(rollout_ids=sorted(split.held_out), with_calls=True)
        seconds = [predicted_seconds(fitted.model, item.trace.invocations) for item in held_out]
        predicted = [
            predicted_makespan(item.trace, of_item)
            for item, of_item in zip(held_out, seconds, strict=True)
        ]
        measured = [item.makespan_seconds for item in held_out]
        fit = LatencyFit(
            model=fitted.model,
            run_id=run_id,
            seed=settings.seed,
            held_out_fraction=settings.latency.held_out,
            calls=fitted.calls,
            streamed_calls=fitted.streamed_calls,
            first_chunk_seconds=fitted.first_chunk_seconds,
            rollouts=len({of_model[at].rollout_id for at in kept}),
            proxy_seconds_at_zero=line[0],
            proxy_seconds_per_token=line[1],
            held_out=agreement(predicted, measured),
            proxy=agreement([line[0] + line[1] * item.cp_tokens for item in held_out], measured),
            fitted_at=Clock().now(),
        )
        Writer(warehouse).add_latency_fit(fit, held_out_predictions(fit, seconds))
        results.append(
            LatencyResult(
                fit=fit,
                operators=operator_correlations(held_out, seconds),
                notes=(
                    *_notes(warehouse, fit, of_model),
                    *time_between_calls(predicted, measured),
                ),
            )
        )
    return tuple(results)


@dataclass(frozen=True, kw_only=True)
class _Split:
    fitted: frozenset[str]
    held_out: frozenset[str]
    outcomes: dict[str, tuple[float, float]]
    """CP_len and makespan of measured rollouts by id."""

    def fitted_pairs(self) -> tuple[list[float], list[float]]:
        pairs = [self.outcomes[rollout_id] for rollout_id in sorted(self.fitted)]
        return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _split(
    times: CallTimes, settings: Settings, run_id: str | None, calls: Sequence[SentCall]
) -> _Split:
    """Rollouts whose makespan is a measurement of this model alone, parted by the run's seed."""
    called = {call.rollout_id for call in calls}
    outcomes = {
        rollout_id: pair
        for rollout_id, pair in times.measured_rollouts(run_id).items()
        if rollout_id in called
    }
    fitted, held_out = split_rollouts(
        list(outcomes),
        fraction=min(settings.latency.held_out, MOST_HELD_OUT / max(len(outcomes), 1)),
        seed=settings.seed,
    )
    return _Split(fitted=frozenset(fitted), held_out=frozenset(held_out), outcomes=outcomes)


def _notes(warehouse: Warehouse, fit: LatencyFit, calls: Sequence[SentCall]) -> tuple[str, ...]:
    """What a reader must know before believing the figures."""
    notes: list[str] = []
    paceless = [
        run.run_id
        for run in Reader(warehouse).runs()
        if run.simulated
        and (fit.run_id is None or run.run_id == fit.run_id)
        and not _time_scale(run.config_json)
    ]
    if paceless:
        notes.append(
            "the endpoint was simulated without pace (llm.simulated.time_scale=0): these are times "
            "of this machine, not of a model"
        )
    if fit.streamed_calls == 0:
        notes.append(
            "no call was streamed (llm.stream=false): time to the first token and time per prompt "
            "token are told apart by total seconds alone"
        )
    if len({call.usage_input_tokens for call in calls}) < 3:
        notes.append("the prompts hardly differ in length: its effect cannot be told")
    if fit.held_out.n < 20:
        notes.append(f"{fit.held_out.n} held-out rollouts: the figures are rough")
    return tuple(notes)


def _time_scale(config_json: str) -> float:
    config: dict[str, dict[str, dict[str, float]]] = json.loads(config_json)
    return float(config.get("llm", {}).get("simulated", {}).get("time_scale", 0.0))
