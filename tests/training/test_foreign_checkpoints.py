"""Checkpoint files whose digest is right and whose content is not: a sentence, never a learner."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from lamas.errors import CheckpointError
from lamas.training import load_checkpoint, save_checkpoint
from tests.training.test_checkpoint import trained

pytestmark = pytest.mark.attack

Tensors = dict[str, Tensor]
WEIGHT = "controller.policy.out_weight"
MOMENT = "adam.policy.out_weight/exp_avg"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return save_checkpoint(trained(steps=1), tmp_path_factory.mktemp("whole")).path.read_bytes()


def forged(path: Path, tensors: Tensors) -> Path:
    """A file of these tensors with the digest that fits them."""
    tensors.pop("digest", None)
    state = hashlib.blake2b(digest_size=16)
    for name in sorted(tensors):
        value = tensors[name]
        state.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        plain = value.view(torch.int16) if value.dtype is torch.bfloat16 else value
        state.update(plain.numpy().tobytes())
    digest = torch.from_numpy(np.frombuffer(state.digest(), dtype=np.uint8).copy())
    path.write_bytes(save({**tensors, "digest": digest}))
    return path


def with_header(tensors: Tensors, **changes: object) -> None:
    """Changes by their dotted place in the header."""
    header: dict[str, dict[str, object]] = json.loads(tensors["header"].numpy().tobytes())
    for place, value in changes.items():
        last, *above = reversed(place.split("__"))
        part: dict[str, object] = {**header}
        whole = part
        for name in reversed(above):
            inner: dict[str, object] = dict(cast("dict[str, object]", part[name]))
            part[name] = inner
            part = inner
        assert last in part
        part[last] = value
        header = cast("dict[str, dict[str, object]]", whole)
    text = json.dumps(header, sort_keys=True, ensure_ascii=False).encode()
    tensors["header"] = torch.from_numpy(np.frombuffer(text, dtype=np.uint8).copy())


def test_the_forger_forges(whole: bytes, tmp_path: Path) -> None:
    tensors = load(whole)
    assert load_checkpoint(forged(tmp_path / "same", load(whole))).step == 1
    with_header(tensors, seed=7)
    assert load_checkpoint(forged(tmp_path / "seed", tensors)).seed == 7


def narrower(tensors: Tensors) -> None:
    tensors[WEIGHT] = tensors[WEIGHT].to(torch.bfloat16)


def whole_numbers(tensors: Tensors) -> None:
    tensors[WEIGHT] = tensors[WEIGHT].to(torch.uint8)


def of_half_the_bits(tensors: Tensors) -> None:
    tensors[WEIGHT] = tensors[WEIGHT].to(torch.float32)


def no_numbers(tensors: Tensors) -> None:
    tensors[WEIGHT][0, 0] = torch.nan


def without_bounds(tensors: Tensors) -> None:
    tensors["controller.policy.log_temperature"].fill_(torch.inf)


def another_shape(tensors: Tensors) -> None:
    tensors[WEIGHT] = tensors[WEIGHT].reshape(16, 64).contiguous()


def one_missing(tensors: Tensors) -> None:
    del tensors[WEIGHT]


def moment_of_nothing(tensors: Tensors) -> None:
    tensors["adam.policy.nothing/exp_avg"] = torch.zeros(3, dtype=torch.float64)


def moment_of_another_name(tensors: Tensors) -> None:
    tensors["adam.policy.out_weight/max_exp_avg_sq"] = tensors[MOMENT].clone()


def moment_missing(tensors: Tensors) -> None:
    del tensors[MOMENT]


def all_moments_missing(tensors: Tensors) -> None:
    for name in [name for name in tensors if name.startswith("adam.")]:
        del tensors[name]


def moment_of_another_shape(tensors: Tensors) -> None:
    tensors[MOMENT] = torch.zeros(3, dtype=torch.float64)


def moment_of_no_numbers(tensors: Tensors) -> None:
    tensors[MOMENT].fill_(torch.nan)


def squares_below_zero(tensors: Tensors) -> None:
    tensors[f"{MOMENT}_sq"].fill_(-1.0)


def steps_below_zero(tensors: Tensors) -> None:
    tensors["adam.policy.out_weight/step"].fill_(-1.0)


def moment_without_a_parameter(tensors: Tensors) -> None:
    tensors["adam.exp_avg"] = torch.zeros(1, dtype=torch.float64)


@pytest.mark.parametrize(
    "change",
    [
        narrower, whole_numbers, of_half_the_bits, no_numbers, without_bounds, another_shape,
        one_missing, moment_of_nothing, moment_of_another_name, moment_missing,
        all_moments_missing, moment_of_another_shape, moment_of_no_numbers, squares_below_zero,
        steps_below_zero, moment_without_a_parameter,
    ],
)  # fmt: skip
def test_tensors_of_another_learner_are_refused(
    whole: bytes, tmp_path: Path, change: Callable[[Tensors], None]
) -> None:
    tensors = load(whole)
    change(tensors)
    with pytest.raises(CheckpointError, match="cannot be used") as caught:
        load_checkpoint(forged(tmp_path / "forged", tensors))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("step", -1),
        ("step", 10**30),
        ("step", 1.5),
        ("seed", -1),
        ("seed", 2**64),
        ("format", 2),
        ("controller__layers", 10**9),
        ("controller__layers", 10**30),
        ("controller__layers", 0),
        ("controller__hidden", 10**9),
        ("controller__hidden", 10**19),
        ("controller__seed", 2**70),
        ("controller__tau", 0.0),
        ("controller__tau", float("nan")),
        ("controller__kind", "paper"),
        ("controller__kind", "__import__"),
        ("baseline_state__mean", float("nan")),
        ("baseline_state__mean", float("inf")),
        ("baseline_state__variance", -1.0),
        ("baseline_state__batches", -1),
        ("trainer__learning_rate", -1.0),
        ("trainer__learning_rate", float("nan")),
        ("trainer__gradient_clip", float("nan")),
        ("trainer__weights__lambda_c", float("nan")),
        ("trainer__baseline", "none"),
        ("operators", []),
        ("operators", [{"name": "x"}]),
    ],
)
def test_headers_of_no_learner_are_refused(
    whole: bytes, tmp_path: Path, place: str, value: object
) -> None:
    tensors = load(whole)
    with_header(tensors, **{place: value})
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(forged(tmp_path / "forged", tensors))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"null",
        b"[" * 100_000,
        b'{"format": 1' + b"0" * 5000 + b"}",
        b"\xff\xfe\x00",
        b'{"format": 1, "format": 1}',
    ],
)
def test_headers_that_are_none_are_refused(whole: bytes, tmp_path: Path, text: bytes) -> None:
    tensors = load(whole)
    tensors["header"] = torch.from_numpy(np.frombuffer(text, dtype=np.uint8).copy())
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(forged(tmp_path / "forged", tensors))
    assert "\n" not in str(caught.value)


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    class Runs:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
            return Path.touch, (str(tmp_path / "ran"),)

    path = tmp_path / "pickle.safetensors"
    torch.save({"header": Runs()}, path)
    with pytest.raises(CheckpointError, match="is damaged"):
        load_checkpoint(path)
    assert not (tmp_path / "ran").exists()


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.safetensors")
    with pytest.raises(CheckpointError, match="no file"):
        load_checkpoint(tmp_path / "pipe.safetensors")
