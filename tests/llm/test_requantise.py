"""Weights written again: what they come to, what stays as it is, and files that are none."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.errors import ConfigurationError
from lamas.llm.requantise import requantised

NORM = b"\x01\x02\x03\x04" * 5
"""A tensor of another kind, whose size is no multiple of 32."""


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def gguf(blocks: bytes, *, kind: int = 3) -> bytes:
    """Two tensors behind metadata of every shape: blocks of 32 weights, and five floats."""
    count = len(blocks) // (20 if kind == 3 else 18)
    metadata = [
        text(b"general.name") + struct.pack("<I", 8) + text("Größe".encode()),
        text(b"tokens") + struct.pack("<IIQ", 9, 8, 2) + text(b"a") + text(b"bc"),
        text(b"scores") + struct.pack("<IIQfff", 9, 6, 3, 1.0, 2.0, 3.0),
        text(b"flag") + struct.pack("<I?", 7, True),
    ]
    second = -(-len(blocks) // 32) * 32
    tensors = [
        text(b"w") + struct.pack("<IQQIQ", 2, 32, count, kind, 0),
        text(b"norm") + struct.pack("<IQIQ", 1, 5, 0, second),
    ]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(metadata) + b"".join(tensors)
    data = blocks + bytes(second - len(blocks)) + NORM
    return head + bytes(-len(head) % 32) + data


def q4_1(scale: float, least: float, quants: list[int]) -> bytes:
    packed = [low | (high << 4) for low, high in zip(quants[:16], quants[16:], strict=True)]
    return struct.pack("<ee", scale, least) + bytes(packed)


def weights_of(block: bytes) -> tuple[float, list[float]]:
    """Step and weights of one block of Q4_0, as its definition says."""
    (step,) = struct.unpack_from("<e", block)
    quants = [byte & 15 for byte in block[2:]] + [byte >> 4 for byte in block[2:]]
    return step, [step * (quant - 8) for quant in quants]


def made_of(folder: Path, blocks: bytes) -> bytes:
    source = folder / "small.gguf"
    source.write_bytes(gguf(blocks))
    return requantised(source, folder / "weights").read_bytes()


@given(
    scale=st.floats(2**-10, 4.0, width=16),
    least=st.floats(-8.0, 8.0, width=16),
    quants=st.lists(st.integers(0, 15), min_size=32, max_size=32),
)
def test_no_weight_moves_by_more_than_a_step(
    tmp_path_factory: pytest.TempPathFactory, scale: float, least: float, quants: list[int]
) -> None:
    made = made_of(tmp_path_factory.mktemp("q"), q4_1(scale, least, quants))
    step, weights = weights_of(made[-64:-46])
    before = [np.float16(scale) * np.float32(q) + np.float32(least) for q in quants]
    extreme = max(abs(float(weight)) for weight in before)
    assert abs(step) == pytest.approx(extreme / 8, rel=2e-3, abs=1e-6)
    # Half a step; a whole one opposite the extreme, where 4 bits end at 7.
    for old, new in zip(before, weights, strict=True):
        assert abs(float(old) - new) <= abs(step) * 1.02 + 1e-6


def test_what_is_no_such_weight_stays_as_it_is(tmp_path: Path) -> None:
    blocks = q4_1(0.5, -3.0, list(range(16)) * 2) * 3
    made = made_of(tmp_path, blocks)
    assert made.endswith(NORM + bytes(12))
    head = gguf(blocks)
    end = head.index(text(b"w"))
    assert made[:end] == head[:end]
    # Three blocks of 18 bytes end before 64, where the next tensor begins.
    place = made.index(b"norm") + 4
    assert struct.unpack_from("<IQIQ", made, place) == (1, 5, 0, 64)


def test_a_file_is_made_once_and_again_when_it_is_not_whole(tmp_path: Path) -> None:
    source = tmp_path / "small.gguf"
    source.write_bytes(gguf(q4_1(0.5, -3.0, [3] * 32)))
    first = requantised(source, tmp_path / "weights")
    content = first.read_bytes()
    stamp = first.stat().st_mtime_ns
    assert requantised(source, tmp_path / "weights") == first
    assert first.stat().st_mtime_ns == stamp
    first.write_bytes(content[:-1])
    assert requantised(source, tmp_path / "weights").read_bytes() == content
    assert [item.name for item in (tmp_path / "weights").iterdir()] == [first.name]


def test_a_file_without_such_weights_is_served_as_it_is(tmp_path: Path) -> None:
    source = tmp_path / "small.gguf"
    source.write_bytes(gguf(bytes(18), kind=2))
    assert requantised(source, tmp_path / "weights") == source
    assert not (tmp_path / "weights").exists()


@pytest.mark.parametrize("left", [4, 20, 60, 120, 170])
def test_a_file_cut_short_is_refused_in_one_sentence(tmp_path: Path, left: int) -> None:
    source = tmp_path / "small.gguf"
    source.write_bytes(gguf(q4_1(0.5, -3.0, [3] * 32))[:left])
    with pytest.raises(ConfigurationError, match="requantise=false"):
        requantised(source, tmp_path / "weights")
    assert not (tmp_path / "weights").exists()
