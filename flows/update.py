"""One gradient step: stored rollouts and their credits in, a checkpoint out."""

from collections.abc import Sequence

from prefect import flow

from flows.orchestrator.assets import checkpoint_key, dataset_key, record_asset
from flows.run.batches import (
    batch_checkpoint,
    batch_credits,
    failed_count,
    finished_batch,
    latest_batch,
)
from flows.run.learners import Moved, move, stored_learner
from flows.run.naming import run_name
from flows.run.opening import session
from flows.run.session import Session
from lamas.domain import Rollout


@flow(name="update", flow_run_name=run_name("update"))
async def update(overrides: list[str] | None = None) -> None:
    """Started by hand or by `retrain`, once per step. Reads `credits` and `rollouts` of a run's
    latest batch (`run=…`) and the checkpoint that drew it; writes a checkpoint file, `checkpoints`
    and `updates`.

    May run twice: the step is a function of what it reads, so the second time changes nothing.
    """
    async with session("update", overrides) as current:
        run_id, step = latest_batch(current, current.batch_run)
        rollouts = finished_batch(current, run_id, step)
        moved = take_step(current, run_id, step, rollouts)
        before, after = moved.update.checkpoint_before, moved.update.checkpoint_after
        await record_asset(
            checkpoint_key(after),
            made_from=[dataset_key(rollouts[0].problem_id), checkpoint_key(before)],
            metadata={"run": run_id, "step": step, "rollouts": len(rollouts)},
        )


def take_step(current: Session, run_id: str, step: int, rollouts: Sequence[Rollout]) -> "Moved":
    """One optimiser step from the run's credited batch, stored with the checkpoint it makes."""
    learner = stored_learner(current, batch_checkpoint(current, run_id, step))
    problem_ids = sorted({rollout.problem_id for rollout in rollouts})
    embeddings = current.reader.embeddings(problem_ids)
    moved = move(
        current,
        learner,
        rollouts,
        batch_credits(current, run_id, step),
        dict(zip(problem_ids, embeddings, strict=True)),
        run_id=run_id,
        failed=failed_count(current, run_id, step),
    )
    current.writer.add_updates([moved.update], checkpoints=[moved.checkpoint])
    current.say(
        f"update: step {step}, loss {moved.update.loss:.3f}, "
        f"entropy {moved.update.entropy:.2f} nats, checkpoint {moved.checkpoint.checkpoint_id}"
    )
    return moved
