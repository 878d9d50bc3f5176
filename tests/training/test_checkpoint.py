"""Checkpoints: exact, atomic, and clear about what is wrong with them."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import pytest

from lamas.controller import LAYERED_KINDS, ControllerKind, ControllerSettings, build_controller
from lamas.domain import OperatorSet
from lamas.errors import CheckpointError
from lamas.training import (
    Trainer,
    TrainerSettings,
    load_checkpoint,
    load_controller,
    save_checkpoint,
    state_digest,
)
from tests.training.test_trainer import problems, trainer, wants_vote
from tests.training.world import SEVEN, THREE, train_step, unit_rows

DATA = problems(3)


def trained(kind: ControllerKind = "lamas", steps: int = 2) -> Trainer:
    learner = trainer(kind)
    for _ in range(steps):
        train_step(learner, DATA, wants_vote, samples=3)
    return learner


@pytest.mark.slow
@pytest.mark.parametrize("baseline", ["ema", "leave_one_out"])
@pytest.mark.parametrize("kind", LAYERED_KINDS)
def test_a_restored_run_equals_the_undisturbed_one_bit_for_bit(
    kind: ControllerKind, baseline: str, tmp_path: Path
) -> None:
    settings = TrainerSettings(baseline=baseline)
    undisturbed = trainer(kind, settings=settings)
    interrupted = trainer(kind, settings=settings)
    expected = [train_step(undisturbed, DATA, wants_vote, samples=3) for _ in range(5)]
    results = [train_step(interrupted, DATA, wants_vote, samples=3) for _ in range(2)]
    for _ in range(3):
        saved = save_checkpoint(interrupted, tmp_path)
        interrupted = load_checkpoint(saved.path)
        assert state_digest(interrupted) == saved.digest
        results.append(train_step(interrupted, DATA, wants_vote, samples=3))
    assert [replace(item, seconds=0.0) for item in results] == [
        replace(item, seconds=0.0) for item in expected
    ]
    assert state_digest(interrupted) == state_digest(undisturbed)
    queries = unit_rows(20, 4)
    assert interrupted.controller.sample(queries, range(20)) == undisturbed.controller.sample(
        queries, range(20)
    )


def test_an_untrained_learner_can_be_saved_too(tmp_path: Path) -> None:
    learner = trainer()
    restored = load_checkpoint(save_checkpoint(learner, tmp_path / "new" / "folder").path)
    assert (restored.step, restored.seed, restored.settings) == (0, 3, learner.settings)
    assert state_digest(restored) == state_digest(learner)


def test_name_and_digest_follow_from_the_content_alone(tmp_path: Path) -> None:
    first = save_checkpoint(trained(), tmp_path / "a")
    os.utime(first.path, (0, 0))
    second = save_checkpoint(trained(), tmp_path / "b")
    assert first.digest == second.digest
    assert first.checkpoint_id == second.checkpoint_id == f"lamas-{first.digest[:16]}"
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.path.name == f"{first.checkpoint_id}.safetensors"
    assert save_checkpoint(trained(steps=3), tmp_path).digest != first.digest


def test_seed_step_and_baseline_are_part_of_the_digest() -> None:
    learner = trained()
    digests = {state_digest(learner)}
    learner.seed += 1
    digests.add(state_digest(learner))
    learner.step += 1
    digests.add(state_digest(learner))
    learner.baseline_state = replace(learner.baseline_state, mean=0.123)
    digests.add(state_digest(learner))
    assert len(digests) == 4


def test_the_controller_alone_decides_as_before(tmp_path: Path) -> None:
    learner = trained()
    controller = load_controller(save_checkpoint(learner, tmp_path).path, operators=SEVEN)
    queries = unit_rows(5, 4)
    assert controller.decide(queries) == learner.controller.decide(queries)
    assert controller.operators == SEVEN


def test_nothing_half_written_is_left_when_the_disk_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match=r"cannot be written.*No space left"):
        save_checkpoint(trained(steps=0), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_settings_of_learning_may_change_but_not_the_baseline(tmp_path: Path) -> None:
    path = save_checkpoint(trained(), tmp_path).path
    assert load_checkpoint(path, settings=TrainerSettings(learning_rate=0.02)).settings == (
        TrainerSettings(learning_rate=0.02)
    )
    with pytest.raises(CheckpointError, match="state of baseline 'leave_one_out', 'ema' is"):
        load_checkpoint(path, settings=TrainerSettings(baseline="ema"))


@pytest.mark.parametrize("keep", [0, 5, 100, 0.5, 0.99])
def test_a_truncated_file_is_refused(keep: float, tmp_path: Path) -> None:
    path = save_checkpoint(trained(steps=1), tmp_path).path
    content = path.read_bytes()
    path.write_bytes(content[: keep if isinstance(keep, int) else int(keep * len(content))])
    with pytest.raises(CheckpointError, match="is damaged") as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value)


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = save_checkpoint(trained(steps=1), tmp_path).path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(CheckpointError, match="does not match its digest"):
        load_checkpoint(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"cannot be read \(No such file"):
        load_checkpoint(tmp_path / "none.safetensors")
    text = tmp_path / "text"
    text.write_text("not a checkpoint at all, but long enough to be read as one")
    with pytest.raises(CheckpointError, match="is damaged"):
        load_checkpoint(text)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (ControllerSettings(kind="paper"), "it has kind = lamas, paper is configured"),
        (ControllerSettings(layers=3), "it has L = 4, 3 is configured"),
        (ControllerSettings(tau=0.5), "it has τ = 0.3, 0.5 is configured"),
        (ControllerSettings(hidden=8), "it has hidden = 32, 8 is configured"),
    ],
)
def test_another_controller_is_refused(
    settings: ControllerSettings, message: str, tmp_path: Path
) -> None:
    path = save_checkpoint(trained(steps=0), tmp_path).path
    assert load_checkpoint(path, controller=ControllerSettings(seed=99), operators=SEVEN)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(path, controller=settings)


def test_another_catalogue_is_refused(tmp_path: Path) -> None:
    path = save_checkpoint(trained(steps=0), tmp_path).path
    five = tuple(
        replace(spec, adds=5) if spec.name == "MultiGenerateCoT" else spec for spec in SEVEN.specs
    )
    for other in (THREE, OperatorSet(SEVEN.specs[::-1]), OperatorSet(five)):
        with pytest.raises(CheckpointError, match="it was trained with Generate"):
            load_checkpoint(path, operators=other)


@pytest.mark.slow
def test_a_checkpoint_of_other_weights_is_refused(tmp_path: Path) -> None:
    learner = trained(steps=0)
    learner.controller.register_parameter(
        "extra", next(build_controller(ControllerSettings(), SEVEN, unit_rows(7, 1)).parameters())
    )
    path = save_checkpoint(learner, tmp_path).path
    with pytest.raises(CheckpointError, match="written by another version"):
        load_checkpoint(path)


@pytest.mark.slow
def test_equal_learners_may_save_at_once(tmp_path: Path) -> None:
    trainers = [trainer() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        saved = list(pool.map(save_checkpoint, trainers, repeat(tmp_path)))
    assert len({item.path for item in saved}) == 1
    assert [item.name for item in tmp_path.iterdir()] == [saved[0].path.name]
    assert state_digest(load_checkpoint(saved[0].path)) == saved[0].digest
