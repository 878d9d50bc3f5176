"""One gradient step: stored rollouts and their credits in, a checkpoint out."""

from prefect import flow

from flows.batches import (
    batch_checkpoint,
    batch_credits,
    failed_count,
    finished_batch,
    latest_batch,
)
from flows.learners import checkpoint_record, stored_learner
from flows.session import Session, session
from lamas.domain import digest
from lamas.training import save_checkpoint


@flow(name="update", flow_run_name="update")
async def update(overrides: list[str] | None = None) -> None:
    """Started by hand or by `retrain`, once per step. Reads `credits` and `rollouts` of a run's
    latest batch (`run=…`) and the checkpoint that drew it; writes a checkpoint file, `checkpoints`
    and `updates`.

    May run twice: the step is a function of what it reads, so the second time changes nothing.
    """
    async with session("update", overrides) as current:
        run_id, step = latest_batch(current, current.batch_run)
        take_step(current, run_id, step)


def take_step(current: Session, run_id: str, step: int) -> None:
    """One optimiser step from the run's credited batch, stored with the checkpoint it makes."""
    rollouts = finished_batch(current, run_id, step)
    learner = stored_learner(current, batch_checkpoint(current, run_id, step))
    credits = batch_credits(current, run_id, step)
    problem_ids = sorted({rollout.plan.problem_id for rollout in rollouts})
    embeddings = current.reader.embeddings(problem_ids)
    result = learner.trainer.update(
        rollouts, credits, dict(zip(problem_ids, embeddings, strict=True))
    )
    saved = save_checkpoint(learner.trainer, current.settings.checkpoints_folder)
    before = learner.checkpoint_id
    current.writer.add_update(
        result.record(
            update_id=digest(run_id, step, before, saved.checkpoint_id),
            run_id=run_id,
            failed_rollouts=failed_count(current, run_id, step),
            checkpoint_before=before,
            checkpoint_after=saved.checkpoint_id,
        ),
        checkpoint=checkpoint_record(current, saved, parent_id=before),
    )
    current.say(
        f"update: step {step}, loss {result.loss:.3f}, entropy {result.entropy:.2f} nats, "
        f"checkpoint {saved.checkpoint_id}"
    )
