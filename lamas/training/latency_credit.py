"""Credit by a clock: CP_len, or seconds that a fitted latency model predicts."""

from collections.abc import Sequence
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
