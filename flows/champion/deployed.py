"""The deployed controller, loaded to answer."""

from flows.wiring.parts import Parts
from lamas.controller import Controller
from lamas.domain import Checkpoint
from lamas.errors import CheckpointError
from lamas.training import load_controller


def deployed_checkpoint(parts: Parts) -> Checkpoint:
    """The checkpoint of `checkpoint=…`, by default the champion.

    Raises CheckpointError when there is no champion, WarehouseError for an unknown id.
    """
    settings, registry = parts.settings, parts.registry
    if settings.checkpoint not in (None, "champion"):
        return registry.checkpoint(settings.checkpoint)
    champion = registry.champion()
    if champion is None:
        raise CheckpointError(
            f"{settings.warehouse} has no champion yet: run `lamas retrain`, or name a checkpoint "
            'with checkpoint=… (`lamas sql "FROM checkpoints"` lists them)'
        )
    return champion


def deployed_controller(parts: Parts, checkpoint: Checkpoint) -> Controller:
    """The controller in the checkpoint's file; CheckpointError when it cannot be used."""
    path = parts.settings.home / checkpoint.path
    return load_controller(path, digest=checkpoint.digest, operators=parts.operators)
