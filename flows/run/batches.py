"""The batch of stored training rollouts that `credit` and `update` work on."""

from flows.wiring.parts import Parts
from lamas.domain import Credit, Rollout
from lamas.errors import ConfigurationError


def latest_batch(current: Parts, run_id: str | None) -> tuple[str, int]:
    """Run and step of the batch to work on: the last one of the run, or of the latest run."""
    if run_id is not None:
        current.reader.run(run_id)
    found = current.reader.latest_batch(run_id)
    if found is None:
        raise ConfigurationError(
            f"{f'run {run_id}' if run_id else 'the warehouse'} holds no training rollouts; "
            "run `lamas collect` first"
        )
    return found


def finished_batch(current: Parts, run_id: str, step: int) -> tuple[Rollout, ...]:
    """The batch's rollouts that did not fail; ConfigurationError when there is none."""
    rollouts = [
        rollout
        for rollout in current.reader.rollouts(run_id, step=step, purpose="train")
        if rollout.status == "ok"
    ]
    if not rollouts:
        raise ConfigurationError(
            f"run {run_id} has no finished training rollouts of step {step}; "
            "run `lamas collect` first or name another run with run=…"
        )
    return tuple(rollouts)


def failed_count(current: Parts, run_id: str, step: int) -> int:
    """How many rollouts of the batch failed."""
    rollouts = current.reader.rollouts(run_id, step=step, purpose="train")
    return sum(rollout.status == "failed" for rollout in rollouts)


def batch_checkpoint(current: Parts, run_id: str, step: int) -> str:
    """The checkpoint that drew the batch."""
    drawn_by = finished_batch(current, run_id, step)[0].plan.checkpoint_id
    assert drawn_by is not None, "sampled rollouts name their checkpoint"
    return drawn_by


def batch_credits(current: Parts, run_id: str, step: int) -> tuple[Credit, ...]:
    """The batch's credits by the configured rule; ConfigurationError when there are none."""
    rule = current.settings.credit.rule
    credits = current.reader.credits(run_id=run_id, step=step, credit_rule=rule)
    if not credits:
        raise ConfigurationError(
            f"run {run_id} has no credits of rule {rule!r} for step {step}; "
            "run `lamas credit` with the same overrides first"
        )
    kinds = {"proxy" if item.latency_model_id is None else "fitted" for item in credits}
    wanted = current.settings.training.latency_model
    if kinds != {wanted}:
        raise ConfigurationError(
            f"run {run_id} was credited for step {step} with training.latency_model="
            f"{min(kinds - {wanted})}, {wanted} is configured: give `lamas update` the overrides "
            "that `lamas credit` had"
        )
    return credits
