"""Which clock a run's credits go by: CP_len, or seconds that a fitted latency model predicts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flows.workplace import Workplace
from lamas.domain import Credit, CriticalPathLabel, Rollout
from lamas.domain.latency import LatencyModel, PredictedSeconds
from lamas.errors import ConfigurationError
from lamas.scheduling import label
from lamas.scheduling.latency_model import in_seconds, predicted_seconds
from lamas.training import Trainer
from warehouse.call_times import CallTimes


@dataclass(frozen=True, kw_only=True)
class Credited:
    """Credits and the predicted seconds they rest on, to be stored together."""

    credits: tuple[Credit, ...]
    predictions: tuple[PredictedSeconds, ...] = ()


def credit_clock(current: Workplace, run_id: str) -> LatencyModel | None:
    """The latency model by which rollouts of the run are credited; None is CP_len.

    Without a configured id the one that credits of the run rest on already, so that a run goes on
    as it began, else the one fitted last. Raises WarehouseError when there is none.
    """
    config = current.settings.training
    if config.latency_model == "proxy":
        return None
    times, name = CallTimes(current.warehouse), current.settings.llm.model
    if config.latency_model_id is None:
        return times.credited_latency_model(run_id) or times.latest_latency_model(name)
    model = times.latency_model(config.latency_model_id)
    if model.request_model != name:
        raise ConfigurationError(
            f"training.latency_model_id={config.latency_model_id} is of {model.request_model}, "
            f"llm.model is {name}: name one that was fitted for it"
        )
    return model


def credit_by(model: LatencyModel, trainer: Trainer, rollouts: Sequence[Rollout]) -> Credited:
    """Credits of the trainer's rule in which T is the predicted makespan.

    The slowest operator of a layer is the one predicted slowest. The rollouts must carry their
    calls and tool runs.
    """
    timed: list[Rollout] = []
    labels: dict[str, tuple[CriticalPathLabel, ...]] = {}
    predictions: list[PredictedSeconds] = []
    for rollout in rollouts:
        seconds = predicted_seconds(model, rollout.trace.invocations)
        timed.append(in_seconds(rollout, seconds))
        labels[rollout.rollout_id] = label(timed[-1].trace)
        predictions += [
            PredictedSeconds(
                invocation_id=invocation_id,
                latency_model_id=model.latency_model_id,
                seconds=value,
                held_out=False,
            )
            for invocation_id, value in seconds.items()
        ]
    return Credited(
        credits=tuple(
            replace(item, latency_model_id=model.latency_model_id)
            for item in trainer.credit(timed, labels)
        ),
        predictions=tuple(predictions),
    )


def credit_stored(
    current: Workplace, trainer: Trainer, rollouts: Sequence[Rollout], run_id: str
) -> Credited:
    """Credits of stored rollouts of a run by its clock."""
    model = credit_clock(current, run_id)
    ids = [rollout.rollout_id for rollout in rollouts]
    if model is None:
        return Credited(credits=trainer.credit(rollouts, current.reader.labels(ids)))
    complete = current.reader.rollouts(run_id, rollout_ids=ids, with_calls=True)
    return credit_by(model, trainer, complete)
