"""Credit to decisions: label the critical path, rewards, advantages."""

from prefect import flow

from flows.batches import batch_checkpoint, finished_batch, latest_batch
from flows.learners import stored_learner
from flows.session import session


@flow(name="credit", flow_run_name="credit")
async def credit(overrides: list[str] | None = None) -> None:
    """Started by hand or by `retrain`, once per step. Reads the latest batch of `rollouts` of a run
    (`run=…`) and its `critical_path_labels`; writes `credits`.

    May run twice: credits are a function of the rollouts and the checkpoint that drew them.
    """
    async with session("credit", overrides) as current:
        run_id, step = latest_batch(current, current.batch_run)
        learner = stored_learner(current, batch_checkpoint(current, run_id, step))
        rollouts = finished_batch(current, run_id, step)
        labels = current.reader.labels([rollout.rollout_id for rollout in rollouts])
        current.writer.add_credits(learner.trainer.credit(rollouts, labels))
