"""Which clock a run's credits go by: CP_len, or seconds that a fitted latency model predicts."""

from collections.abc import Sequence

from flows.wiring.parts import Parts
from lamas.domain import Rollout
from lamas.domain.latency import LatencyModel
from lamas.errors import ConfigurationError
from lamas.training import Trainer
from lamas.training.latency_credit import Credited, credited
from warehouse.call_times import CallTimes


def credit_clock(current: Parts, run_id: str) -> LatencyModel | None:
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


def credit_stored(
    current: Parts, trainer: Trainer, rollouts: Sequence[Rollout], run_id: str
) -> Credited:
    """Credits of stored rollouts of a run by its clock."""
    model = credit_clock(current, run_id)
    ids = [rollout.rollout_id for rollout in rollouts]
    if model is None:
        return credited(trainer, rollouts, model=None, labels=current.reader.labels(ids))
    complete = current.reader.rollouts(run_id, rollout_ids=ids, with_calls=True)
    return credited(trainer, complete, model=model)
