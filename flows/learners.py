"""Where a run's learner comes from and where it is kept: checkpoint files and their rows."""

from dataclasses import dataclass

from flows import wiring
from flows.live import operators_of
from flows.session import Session
from lamas.controller import build_controller
from lamas.domain import Checkpoint, derive_seed
from lamas.errors import CheckpointError
from lamas.training import SavedCheckpoint, Trainer, load_checkpoint, save_checkpoint


@dataclass(frozen=True, kw_only=True)
class Learner:
    """A trainer as a stored checkpoint has it."""

    trainer: Trainer
    checkpoint_id: str

    @property
    def step(self) -> int:
        return self.trainer.step


def initial_learner(current: Session) -> Learner:
    """Fresh weights that follow from the run's seed, stored as the checkpoint of step 0."""
    settings, operators = current.settings, operators_of(current)
    controller = build_controller(
        wiring.controller_settings(settings),
        operators,
        current.encoder.encode_operators(operators),
    )
    trainer = Trainer(
        controller,
        wiring.trainer_settings(settings),
        seed=derive_seed(settings.seed, "trainer"),
    )
    saved = save_checkpoint(trainer, settings.checkpoints_folder)
    current.writer.add_checkpoint(checkpoint_record(current, saved, parent_id=None))
    return Learner(trainer=trainer, checkpoint_id=saved.checkpoint_id)


def stored_learner(current: Session, checkpoint_id: str) -> Learner:
    """The learner of a stored checkpoint.

    Raises WarehouseError for an unknown id, CheckpointError for a file that is missing, damaged or
    belongs to another controller than the configured one.
    """
    record = current.registry.checkpoint(checkpoint_id)
    trainer = load_checkpoint(
        current.settings.home / record.path,
        settings=wiring.trainer_settings(current.settings),
        controller=wiring.controller_settings(current.settings),
        operators=operators_of(current),
    )
    return Learner(trainer=trainer, checkpoint_id=checkpoint_id)


def first_learner(current: Session) -> Learner:
    """Where a retrain starts: fresh weights or the champion, as configured."""
    if current.settings.training.start_from == "scratch":
        return initial_learner(current)
    champion = current.registry.champion()
    if champion is None:
        raise CheckpointError(
            "training.start_from=champion, but there is no champion yet; "
            "retrain with training.start_from=scratch first"
        )
    return stored_learner(current, champion.checkpoint_id)


def chosen_learner(current: Session, checkpoint_id: str | None = None) -> Learner:
    """The given checkpoint, or the one that `checkpoint=…` names: an id, `champion`, `new`.

    By default the latest stored one of the configured controller, or else fresh weights.
    """
    name = checkpoint_id or current.settings.checkpoint
    if name == "champion":
        champion = current.registry.champion()
        if champion is None:
            raise CheckpointError(
                "checkpoint=champion, but there is no champion yet; run `lamas retrain` first"
            )
        return stored_learner(current, champion.checkpoint_id)
    if name == "new":
        return initial_learner(current)
    if name is not None:
        return stored_learner(current, name)
    fitting = [
        item
        for item in current.registry.checkpoints()
        if item.controller == current.settings.controller.kind
    ]
    return (
        stored_learner(current, fitting[-1].checkpoint_id) if fitting else initial_learner(current)
    )


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
