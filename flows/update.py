"""One gradient step: stored rollouts and their credits in, a checkpoint out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from prefect import flow

from flows.assets import checkpoint_key, dataset_key, record_asset
from flows.batches import (
    batch_checkpoint,
    batch_credits,
    failed_count,
    finished_batch,
    latest_batch,
)
from flows.learners import Learner, checkpoint_record, stored_learner
from flows.naming import run_name
from flows.session import Session, session
from lamas.domain import Checkpoint, Credit, Rollout, Update, digest
from lamas.training import Trainer, save_checkpoint


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


@dataclass(frozen=True, kw_only=True)
class Moved:
    """A step that was made; its checkpoint file is written, its rows are not."""

    update: Update
    checkpoint: Checkpoint

    def learner(self, trainer: Trainer) -> Learner:
        """The learner that made it, as it is now."""
        return Learner(trainer=trainer, checkpoint_id=self.checkpoint.checkpoint_id)


def move(
    current: Session,
    learner: Learner,
    rollouts: Sequence[Rollout],
    credits: Sequence[Credit],
    embeddings: Mapping[str, NDArray[np.float32]],
    *,
    run_id: str,
    failed: int,
) -> Moved:
    """Move `learner` one step and save its checkpoint file.

    `embeddings` by problem_id; `failed` counts the rollouts of the batch that were left out.
    """
    result = learner.trainer.update(rollouts, credits, embeddings)
    saved = save_checkpoint(learner.trainer, current.settings.checkpoints_folder)
    before = learner.checkpoint_id
    return Moved(
        update=result.record(
            update_id=digest(run_id, result.step, before, saved.checkpoint_id),
            run_id=run_id,
            failed_rollouts=failed,
            checkpoint_before=before,
            checkpoint_after=saved.checkpoint_id,
        ),
        checkpoint=checkpoint_record(current, saved, parent_id=before),
    )
