"""Credit by a clock: CP_len, or seconds that a fitted latency model predicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lamas.domain import Credit, CriticalPathLabel, Rollout
from lamas.domain.latency import LatencyModel, PredictedSeconds
from lamas.timing import label
from lamas.timing.latency_model import in_seconds, predicted_seconds
from lamas.training import Trainer


@dataclass(frozen=True, kw_only=True)
class Credited:
    """Credits and the predicted seconds they rest on, to be stored together."""

    credits: tuple[Credit, ...]
    predictions: tuple[PredictedSeconds, ...] = ()


def credited(
    trainer: Trainer,
    rollouts: Sequence[Rollout],
    *,
    model: LatencyModel | None,
    labels: Mapping[str, Sequence[CriticalPathLabel]] | None = None,
) -> Credited:
    """Credits of the trainer's rule by CP_len, or by the seconds that `model` predicts.

    With a model T is the predicted makespan and the slowest operator of a layer is the one
    predicted slowest; the rollouts must carry their calls and tool runs. `labels` by rollout id are
    those of CP_len, where they are on record.
    """
    if model is not None:
        return _by_prediction(model, trainer, rollouts)
    if labels is None:
        labels = {item.rollout_id: label(item.trace) for item in rollouts}
    return Credited(credits=trainer.credit(rollouts, labels))


def _by_prediction(model: LatencyModel, trainer: Trainer, rollouts: Sequence[Rollout]) -> Credited:
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
