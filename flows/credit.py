"""Credit to decisions: label the critical path, rewards, advantages."""

from prefect import flow

from flows.run.batches import batch_checkpoint, finished_batch, latest_batch
from flows.run.credit_clock import credit_stored
from flows.run.learners import stored_learner
from flows.run.naming import run_name
from flows.run.opening import session


@flow(name="credit", flow_run_name=run_name("credit"))
async def credit(overrides: list[str] | None = None) -> None:
    """Started by hand or by `retrain`, once per step. Reads the latest batch of `rollouts` of a run
    (`run=…`) and its `critical_path_labels`; writes `credits`, and `predicted_seconds` when a
    latency model tells the time.

    May run twice: credits are a function of the rollouts and the checkpoint that drew them.
    """
    async with session("credit", overrides) as current:
        run_id, step = latest_batch(current, current.batch_run)
        learner = stored_learner(current, batch_checkpoint(current, run_id, step))
        rollouts = finished_batch(current, run_id, step)
        credited = credit_stored(current, learner.trainer, rollouts, run_id)
        current.writer.add_credits(credited.credits, predictions=credited.predictions)
