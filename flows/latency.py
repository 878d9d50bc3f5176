"""From measured calls in the warehouse to a stored latency model and how good it is."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from flows.settings import Settings
from lamas.domain import Clock, Rollout
from lamas.domain.latency import LatencyFit, PredictedSeconds, SentCall
from lamas.errors import ConfigurationError
from lamas.evaluation.latency import agreement, pearson, proxy_line, spearman, split_rollouts
from lamas.scheduling.latency_fit import fit_latency, sent_loads
from lamas.scheduling.latency_model import predicted_makespan, predicted_seconds
from warehouse import Warehouse
from warehouse.call_times import CallTimes
from warehouse.reader import Reader
from warehouse.writer import Writer

ALL_RUNS = "all"
BETWEEN_CALLS = 0.1
"""Predicted over measured makespan may differ from 1 by so much before a note says why."""
MOST_HELD_OUT = 2000
"""Held-out rollouts are read with all their calls: more would only take memory."""


@dataclass(frozen=True, kw_only=True)
class Correlation:
    """How CP tokens and predicted seconds go with measured seconds, in held-out rollouts."""

    of: str
    """An operator's invocations, or all rollouts."""
    n: int
    cp_pearson: float | None
    cp_spearman: float | None
    predicted_pearson: float | None
    predicted_spearman: float | None


@dataclass(frozen=True, kw_only=True)
class LatencyResult:
    """One fitted latency model as it is shown."""

    fit: LatencyFit
    operators: tuple[Correlation, ...]
    notes: tuple[str, ...]


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
        split = _split(warehouse, settings, run_id, of_model)
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
        Writer(warehouse).add_latency_fit(fit, _predictions(fit, seconds))
        results.append(
            LatencyResult(
                fit=fit,
                operators=_operators(held_out, seconds),
                notes=(
                    *_notes(warehouse, fit, of_model),
                    *_between_calls(predicted, measured),
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
    warehouse: Warehouse, settings: Settings, run_id: str | None, calls: Sequence[SentCall]
) -> _Split:
    """Rollouts whose makespan is a measurement of this model alone, parted by the run's seed."""
    rows = warehouse.query(
        "SELECT r.rollout_id, r.cp_tokens, r.makespan_seconds FROM rollouts AS r "
        "JOIN operator_invocations AS i USING (rollout_id) JOIN model_calls AS c "
        "USING (invocation_id) WHERE r.status = 'ok' AND r.replayed_calls = 0 "
        "AND ($1 IS NULL OR r.run_id = $1) "
        "GROUP BY ALL HAVING count(DISTINCT c.request_model) = 1",
        [run_id],
    ).rows()
    called = {call.rollout_id for call in calls}
    outcomes = {
        str(rollout_id): (float(cp_tokens), float(makespan))
        for rollout_id, cp_tokens, makespan in rows
        if rollout_id in called
    }
    fitted, held_out = split_rollouts(
        list(outcomes),
        fraction=min(settings.latency.held_out, MOST_HELD_OUT / max(len(outcomes), 1)),
        seed=settings.seed,
    )
    return _Split(fitted=frozenset(fitted), held_out=frozenset(held_out), outcomes=outcomes)


def _predictions(
    fit: LatencyFit, seconds: Sequence[dict[str, float]]
) -> tuple[PredictedSeconds, ...]:
    return tuple(
        PredictedSeconds(
            invocation_id=invocation_id,
            latency_model_id=fit.model.latency_model_id,
            seconds=value,
            held_out=True,
        )
        for of_rollout in seconds
        for invocation_id, value in of_rollout.items()
    )


def _operators(
    rollouts: Sequence[Rollout], seconds: Sequence[dict[str, float]]
) -> tuple[Correlation, ...]:
    """One row for each operator, by name; those that take no time correlate with nothing."""
    points: dict[str, list[tuple[float, float, float]]] = {}
    for rollout, predicted in zip(rollouts, seconds, strict=True):
        for item in rollout.trace.invocations:
            point = (item.cp_tokens, predicted[item.invocation_id], item.seconds)
            points.setdefault(item.operator, []).append(point)
    rows: list[Correlation] = []
    for name in sorted(points):
        tokens, guesses, truth = zip(*points[name], strict=True)
        rows.append(
            Correlation(
                of=name,
                n=len(truth),
                cp_pearson=pearson(tokens, truth),
                cp_spearman=spearman(tokens, truth),
                predicted_pearson=pearson(guesses, truth),
                predicted_spearman=spearman(guesses, truth),
            )
        )
    return tuple(rows)


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


def _between_calls(predicted: Sequence[float], measured: Sequence[float]) -> tuple[str, ...]:
    """Says so when makespans are not what their calls take."""
    ratios = sorted(
        guess / truth for guess, truth in zip(predicted, measured, strict=True) if truth > 0.0
    )
    typical = ratios[len(ratios) // 2] if ratios else 1.0
    if abs(typical - 1.0) <= BETWEEN_CALLS:
        return ()
    return (
        f"predicted makespans are {typical:.2f} times the measured ones: the rest is not in the "
        "calls but between them (waiting for a slot, the machine itself), or in the slowest of "
        "several; the line through CP_len was fitted to makespans, the latency model to calls",
    )


def _time_scale(config_json: str) -> float:
    config: dict[str, dict[str, dict[str, float]]] = json.loads(config_json)
    return float(config.get("llm", {}).get("simulated", {}).get("time_scale", 0.0))
