"""Credit to decisions: label the critical path, rewards, advantages."""

from prefect import flow

from flows.learners import stored_learner
from flows.session import Session, session
from lamas.domain import Rollout
from lamas.errors import ConfigurationError


@flow(name="credit", flow_run_name="credit")
async def credit(overrides: list[str] | None = None) -> None:
    """Started by hand or by `retrain`, once per step. Reads the latest batch of `rollouts` of a run
    (`run=…`) and its `critical_path_labels`; writes `credits`.

    May run twice: credits are a function of the rollouts and the checkpoint that drew them.
    """
    async with session("credit", overrides) as current:
        run_id, step = latest_batch(current)
        learner = stored_learner(current, batch_checkpoint(current, run_id, step))
        rollouts = finished_batch(current, run_id, step)
        labels = current.reader.labels([rollout.rollout_id for rollout in rollouts])
        current.writer.add_credits(learner.trainer.credit(rollouts, labels))


def finished_batch(current: Session, run_id: str, step: int) -> tuple[Rollout, ...]:
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


def failed_count(current: Session, run_id: str, step: int) -> int:
    """How many rollouts of the batch failed."""
    rollouts = current.reader.rollouts(run_id, step=step, purpose="train")
    return sum(rollout.status == "failed" for rollout in rollouts)


def latest_batch(current: Session) -> tuple[str, int]:
    """Run and step of the batch to work on: the last one of `run=…`, or of the latest run."""
    wanted = current.settings.run
    if current.run.kind == "retrain":
        wanted = current.run.run_id
    elif wanted is not None:
        current.reader.run(wanted)
    found = current.warehouse.query(
        "SELECT run_id, step FROM rollouts WHERE purpose = 'train' AND ($1 IS NULL OR run_id = $1) "
        "ORDER BY started_at DESC LIMIT 1",
        [wanted],
    ).rows()
    if not found:
        raise ConfigurationError(
            f"{f'run {wanted}' if wanted else 'the warehouse'} holds no training rollouts; "
            "run `lamas collect` first"
        )
    run_id, step = found[0]
    return str(run_id), int(step)


def batch_checkpoint(current: Session, run_id: str, step: int) -> str:
    """The checkpoint that drew the batch."""
    drawn_by = finished_batch(current, run_id, step)[0].plan.checkpoint_id
    assert drawn_by is not None, "sampled rollouts name their checkpoint"
    return drawn_by
