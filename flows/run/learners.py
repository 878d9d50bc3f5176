"""Where a run's learner comes from and where it is kept: checkpoint files and their rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flows.run.session import Session
from flows.wiring.learning import controller_settings, trainer_settings
from flows.wiring.parts import Parts
from lamas.controller import Controller, build_controller
from lamas.domain import Checkpoint, Credit, Rollout, Update, derive_seed, digest
from lamas.errors import CheckpointError
from lamas.training import (
    SavedCheckpoint,
    Trainer,
    load_checkpoint,
    load_controller,
    save_checkpoint,
)


@dataclass(frozen=True, kw_only=True)
class Learner:
    """A trainer as a stored checkpoint has it."""

    trainer: Trainer
    checkpoint_id: str

    @property
    def step(self) -> int:
        return self.trainer.step

    @property
    def controller(self) -> Controller:
        return self.trainer.controller


@dataclass(frozen=True, kw_only=True)
class Chooser:
    """A controller as a stored checkpoint has it, to decide and not to learn."""

    controller: Controller
    checkpoint_id: str
    step: int


def initial_learner(current: Session) -> Learner:
    """Fresh weights that follow from the run's seed, stored as the checkpoint of step 0."""
    settings, operators = current.settings, current.operators
    controller = build_controller(
        controller_settings(settings),
        operators,
        current.encoder.encode_operators(operators),
    )
    trainer = Trainer(
        controller,
        trainer_settings(settings),
        seed=derive_seed(settings.seed, "trainer"),
    )
    saved = save_checkpoint(trainer, settings.checkpoints_folder)
    current.writer.add_checkpoint(checkpoint_record(current, saved, parent_id=None))
    return Learner(trainer=trainer, checkpoint_id=saved.checkpoint_id)


def stored_learner(current: Parts, checkpoint_id: str) -> Learner:
    """The learner of a stored checkpoint.

    Raises WarehouseError for an unknown id, CheckpointError for a file that is missing, damaged or
    belongs to another controller than the configured one.
    """
    record = current.registry.checkpoint(checkpoint_id)
    trainer = load_checkpoint(
        current.settings.home / record.path,
        digest=record.digest,
        settings=trainer_settings(current.settings),
        controller=controller_settings(current.settings),
        operators=current.operators,
    )
    return Learner(trainer=trainer, checkpoint_id=checkpoint_id)


def stored_chooser(current: Parts, checkpoint_id: str) -> Chooser:
    """The controller of a stored checkpoint, of whichever kind.

    Raises as `stored_learner` does, but for another kind of controller than the configured one.
    """
    record = current.registry.checkpoint(checkpoint_id)
    controller = load_controller(
        current.settings.home / record.path, digest=record.digest, operators=current.operators
    )
    return Chooser(controller=controller, checkpoint_id=checkpoint_id, step=record.step)


def evaluable(current: Parts, checkpoint_id: str) -> Chooser:
    """The controller of a stored checkpoint; one of the configured kind must fit the rest of the
    configuration too.

    Raises as `stored_learner` does.
    """
    if current.registry.checkpoint(checkpoint_id).controller == current.settings.controller.kind:
        stored_learner(current, checkpoint_id)
    return stored_chooser(current, checkpoint_id)


def first_learner(current: Session) -> Learner:
    """Where a retrain starts: fresh weights or the champion, as configured."""
    name = first_checkpoint(current)
    return initial_learner(current) if name is None else stored_learner(current, name)


def first_checkpoint(current: Parts) -> str | None:
    """The checkpoint that a retrain starts from; None is fresh weights."""
    start = current.settings.training.start_from
    if start == "scratch":
        return None
    if start == "champion_or_scratch":
        champion = current.registry.champion() if current.settings.warehouse.exists() else None
        return None if champion is None else champion.checkpoint_id
    return _champion(
        current,
        "training.start_from=champion",
        "retrain with training.start_from=scratch first",
    )


def chosen_learner(current: Session, checkpoint_id: str | None = None) -> Learner:
    """The learner of the given checkpoint, or of the one that `chosen_checkpoint` finds."""
    name = checkpoint_id or chosen_checkpoint(current)
    return initial_learner(current) if name is None else stored_learner(current, name)


def chosen_checkpoint(current: Parts) -> str | None:
    """The checkpoint that `checkpoint=…` names: an id, `champion`, `new`; None is fresh weights.

    By default the latest stored one of the configured controller, or else fresh weights.
    """
    name = current.settings.checkpoint
    if name == "champion":
        return _champion(current, "checkpoint=champion", "run `lamas retrain` first")
    if name == "new":
        return None
    if name is not None:
        return name
    fitting = [
        item.checkpoint_id
        for item in current.registry.checkpoints()
        if item.controller == current.settings.controller.kind
    ]
    return fitting[-1] if fitting else None


def _champion(current: Parts, wish: str, remedy: str) -> str:
    champion = current.registry.champion()
    if champion is None:
        raise CheckpointError(f"{wish}, but there is no champion yet; {remedy}")
    return champion.checkpoint_id


def checkpoint_record(
    current: Session, saved: SavedCheckpoint, *, parent_id: str | None
) -> Checkpoint:
    """The warehouse's row for a saved checkpoint; its path is relative to the home folder."""
    return Checkpoint(
        checkpoint_id=saved.checkpoint_id,
        run_id=current.run.run_id,
        parent_id=parent_id,
        controller=current.settings.controller.kind,
        step=saved.step,
        digest=saved.digest,
        path=str(saved.path.relative_to(current.settings.home)),
        status="candidate",
        created_at=current.clock.now(),
    )


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
