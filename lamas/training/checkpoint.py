"""Checkpoints: one file that holds a learner's whole state, written at once or not at all."""

import hashlib
import os
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor
from torch.nn import Parameter

from lamas.controller import EMBEDDING_SIZE, Controller, ControllerSettings, build_controller
from lamas.domain import OperatorSet
from lamas.errors import CheckpointError
from lamas.training.checkpoint_fit import STORABLE, header_flaw, moments_flaw, weights_flaw
from lamas.training.checkpoint_header import (
    FORMAT,
    CheckpointHeader,
    StoredOperator,
    difference,
)
from lamas.training.settings import TrainerSettings
from lamas.training.trainer import Trainer

SUFFIX = ".safetensors"

_HEADER = "header"
_DIGEST = "digest"
_WEIGHTS = "controller."
_MOMENTS = "adam."


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedCheckpoint:
    """Where a checkpoint lies and what it is called."""

    checkpoint_id: str
    """Controller kind and the first 16 digits of the digest."""
    digest: str
    """32 hexadecimal digits over weights, optimiser, baseline and random state."""
    step: int
    path: Path


def save_checkpoint(trainer: Trainer, folder: Path) -> SavedCheckpoint:
    """Write the learner's state to `folder/<checkpoint_id>.safetensors`, atomically and durably.

    The file is written beside its place, flushed to disk and renamed, so a crash leaves the whole
    file or none. Equal states give equal digests and names. Raises CheckpointError when the folder
    cannot be written.
    """
    tensors = _tensors(trainer)
    digest = _digest(tensors)
    checkpoint_id = f"{trainer.controller.settings.kind}-{digest[:16]}"
    path = checkpoint_path(folder, checkpoint_id)
    content = save_tensors({**tensors, _DIGEST: _bytes_tensor(bytes.fromhex(digest))})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_atomically(path, content)
    except OSError as error:
        raise CheckpointError(f"checkpoint {path} cannot be written: {error}") from error
    return SavedCheckpoint(checkpoint_id=checkpoint_id, digest=digest, step=trainer.step, path=path)


def checkpoint_path(folder: Path, checkpoint_id: str) -> Path:
    """Where `save_checkpoint` puts a checkpoint."""
    return folder / f"{checkpoint_id}{SUFFIX}"


def state_digest(trainer: Trainer) -> str:
    """The digest that `save_checkpoint` would give."""
    return _digest(_tensors(trainer))


def load_checkpoint(
    path: Path,
    *,
    digest: str | None = None,
    settings: TrainerSettings | None = None,
    controller: ControllerSettings | None = None,
    operators: OperatorSet | None = None,
) -> Trainer:
    """The learner as it was saved, to the last bit.

    `digest` is that of the state which the file must hold. `settings` say how it goes on learning,
    by default as before; the baseline must stay the one whose state was saved. With `controller`
    and `operators` given, it must be a controller of that kind, L, τ and width over those
    operators. Raises CheckpointError for a file that is missing, damaged, another checkpoint's or
    another controller's.
    """
    tensors = _read(path, digest)
    header = _header(path, tensors, controller=controller, operators=operators)
    chosen = settings or header.trainer
    if chosen.baseline != header.trainer.baseline:
        raise CheckpointError(
            f"checkpoint {path} holds the state of baseline {header.trainer.baseline!r}, "
            f"{chosen.baseline!r} is configured: keep the baseline or start from new weights"
        )
    _refuse(path, header_flaw(header))
    trainer = Trainer(
        _controller(path, header, tensors),
        chosen,
        seed=header.seed,
        step=header.step,
        baseline_state=header.baseline_state,
    )
    parameters = dict(trainer.controller.named_parameters())
    for name, stored in _moments(path, header, parameters, tensors).items():
        trainer.optimiser.state[parameters[name]] = stored
    return trainer


def load_controller(
    path: Path, *, digest: str | None = None, operators: OperatorSet | None = None
) -> Controller:
    """Only the controller, for deciding; CheckpointError as in `load_checkpoint`."""
    tensors = _read(path, digest)
    header = _header(path, tensors, operators=operators)
    _refuse(path, header_flaw(header))
    controller = _controller(path, header, tensors)
    _moments(path, header, dict(controller.named_parameters()), tensors)
    return controller


def _header(
    path: Path,
    tensors: dict[str, Tensor],
    *,
    controller: ControllerSettings | None = None,
    operators: OperatorSet | None = None,
) -> CheckpointHeader:
    """What the file says it holds; CheckpointError for another controller than those given."""
    try:
        header = CheckpointHeader.from_json(tensors[_HEADER].numpy().tobytes())
    except CheckpointError as error:
        raise CheckpointError(f"checkpoint {path} cannot be read: {error}") from error
    wrong = difference(header, controller=controller, operators=operators)
    if wrong is not None:
        raise CheckpointError(f"checkpoint {path} belongs to another controller: {wrong}")
    return header


def _tensors(trainer: Trainer) -> dict[str, Tensor]:
    """The whole state by name; the header is among them as bytes, so one digest covers all."""
    controller = trainer.controller
    header = CheckpointHeader(
        format=FORMAT,
        controller=controller.settings,
        operators=tuple(StoredOperator.of(spec) for spec in controller.operators.specs),
        trainer=trainer.settings,
        baseline_state=trainer.baseline_state,
        step=trainer.step,
        seed=trainer.seed,
    )
    tensors = {_HEADER: _bytes_tensor(header.to_json())}
    for name, value in controller.state_dict().items():
        tensors[_WEIGHTS + name] = value.contiguous()
    for name, parameter in controller.named_parameters():
        moments: dict[str, Tensor] = trainer.optimiser.state.get(parameter, {})
        for moment, value in moments.items():
            tensors[f"{_MOMENTS}{name}/{moment}"] = value.contiguous()
    return tensors


def _controller(path: Path, header: CheckpointHeader, tensors: dict[str, Tensor]) -> Controller:
    weights = {
        name.removeprefix(_WEIGHTS): value
        for name, value in tensors.items()
        if name.startswith(_WEIGHTS)
    }
    _refuse(path, weights_flaw(header, weights))
    operators = header.operator_set()
    # The initial values are overwritten, the operators' embeddings included.
    blank = np.zeros((len(operators), EMBEDDING_SIZE))
    controller = build_controller(header.controller, operators, blank)
    controller.load_state_dict(weights, strict=True)
    return controller


def _moments(
    path: Path,
    header: CheckpointHeader,
    parameters: dict[str, Parameter],
    tensors: dict[str, Tensor],
) -> dict[str, dict[str, Tensor]]:
    """Adam's moments by the parameter they are of."""
    moments: dict[str, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(_MOMENTS):
            name, _, moment = key.removeprefix(_MOMENTS).rpartition("/")
            moments.setdefault(name, {})[moment] = value
    _refuse(path, moments_flaw(header, moments, parameters))
    return moments


def _refuse(path: Path, flaw: str | None) -> None:
    if flaw is not None:
        raise CheckpointError(
            f"checkpoint {path} cannot be used, {flaw}: it was written by another version or "
            "by someone else; use another checkpoint, or train again"
        )


def _read(path: Path, digest: str | None) -> dict[str, Tensor]:
    if path.exists() and not path.is_file():
        # A pipe would be waited for without end.
        _refuse(path, "it is no file")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"checkpoint {path} cannot be read ({error.strerror or error}): "
            "use another checkpoint, or train again"
        ) from error
    try:
        tensors = load_tensors(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"checkpoint {path} is damaged ({len(content)} bytes: {error}): "
            "use another checkpoint, or train again from the warehouse's last one"
        ) from error
    odd = sorted(name for name, value in tensors.items() if value.dtype not in STORABLE)
    if odd:
        _refuse(path, f"{odd[0]} holds {tensors[odd[0]].dtype}")
    stored = tensors.pop(_DIGEST, None)
    if stored is None or _HEADER not in tensors:
        raise CheckpointError(f"{path} is no LAMaS checkpoint")
    found = stored.numpy().tobytes().hex()
    if found != _digest(tensors):
        raise CheckpointError(
            f"checkpoint {path} is damaged: its content does not match its digest"
        )
    if digest is not None and found != digest:
        raise CheckpointError(
            f"checkpoint {path} is another one's file: its digest is {found}, {digest} is on "
            "record; put the right file back or use another checkpoint"
        )
    return tensors


def _digest(tensors: dict[str, Tensor]) -> str:
    """BLAKE2b over names, types, shapes and bytes; the order and the file play no part."""
    state = hashlib.blake2b(digest_size=16)
    for name in sorted(tensors):
        value = tensors[name].detach()
        state.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        state.update(value.numpy().tobytes())
    return state.hexdigest()


def _bytes_tensor(content: bytes) -> Tensor:
    return torch.from_numpy(np.frombuffer(content, dtype=np.uint8).copy())


def _write_atomically(path: Path, content: bytes) -> None:
    # Equal learners of one comparison write the same file from several threads.
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    # The rename itself is durable only once the folder is.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
