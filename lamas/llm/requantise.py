"""A GGUF file written again with Q4_0 blocks for its Q4_1 ones, which llama.cpp multiplies faster.

Both hold 32 weights of 4 bits: Q4_1 as d·q + m with q in 0…15, Q4_0 as d·(q − 8). llama.cpp has
repacked matrix kernels for Q4_0 and none for Q4_1 (`python -m tests.measure.embedded`).
"""

import glob
import hashlib
import math
import os
import struct
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from lamas.errors import ConfigurationError, unwritable
from lamas.llm.gguf import fingerprint

_Q4_0, _Q4_1 = 2, 3
_BLOCK = 32
"""Weights of a block, and the bytes that tensors are aligned to."""
_STRING, _ARRAY = 8, 9
_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of a metadata value, by its type."""
_FROM = np.dtype([("d", "<f2"), ("m", "<f2"), ("q", "u1", _BLOCK // 2)])
_TO = np.dtype([("d", "<f2"), ("q", "u1", _BLOCK // 2)])
_DIGEST = 32
"""Hexadecimal digits of the SHA-256 that a file carries in its name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tensor:
    name: bytes
    shape: tuple[int, ...]
    kind: int
    offset: int
    """Of its data, in bytes after where all data begins."""


def requantised(gguf: Path, folder: Path) -> Path:
    """`gguf` with Q4_0 weights, in `folder`: made once, and again when it is not whole.

    `gguf` itself where it holds no Q4_1 weights. Raises ConfigurationError for a file that is no
    GGUF of version 2 or 3, UnwritableError when the folder takes no file.
    """
    prefix = f"{gguf.stem}.{fingerprint(gguf)[:16]}.q4_0."
    for found in sorted(folder.glob(f"{glob.escape(prefix)}*.gguf")):
        # Its name says what it holds: one that was cut short or changed is made again.
        if found.name == _name(prefix, found.read_bytes()):
            return found
    try:
        content = _converted(gguf.read_bytes())
    except (struct.error, KeyError, IndexError, ValueError, OverflowError):
        raise ConfigurationError(
            f"the model file {gguf} cannot be read as GGUF: set llm.embedded.requantise=false to "
            "hand it to llama.cpp as it is"
        ) from None
    if content is None:
        return gguf
    target = folder / _name(prefix, content)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(target)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise unwritable(target, str(error)) from None
    return target


def _name(prefix: str, content: bytes) -> str:
    return f"{prefix}{hashlib.sha256(content).hexdigest()[:_DIGEST]}.gguf"


def _converted(content: bytes) -> bytes | None:
    """The whole new file; None where nothing of it would differ. Raises as `_Reader` does."""
    reader = _Reader(content)
    tensors = reader.tensors()
    if all(tensor.kind != _Q4_1 for tensor in tensors):
        return None
    begin = _aligned(reader.place)
    ends = dict(pairwise(sorted({tensor.offset for tensor in tensors} | {len(content) - begin})))
    made: list[_Tensor] = []
    blocks: list[bytes] = []
    offset = 0
    for tensor in tensors:
        data = content[begin + tensor.offset : begin + ends[tensor.offset]]
        kind = tensor.kind
        if kind == _Q4_1:
            count = math.prod(tensor.shape) // _BLOCK
            data, kind = _q4_0(np.frombuffer(data, dtype=_FROM, count=count)), _Q4_0
        padded = data + bytes(_aligned(len(data)) - len(data))
        made.append(replace(tensor, kind=kind, offset=offset))
        blocks.append(padded)
        offset += len(padded)
    head = content[: reader.metadata_end] + b"".join(_described(tensor) for tensor in made)
    return b"".join([head, bytes(_aligned(len(head)) - len(head)), *blocks])


def _q4_0(blocks: NDArray[np.void]) -> bytes:
    """Blocks of Q4_1 as Q4_0, rounded as llama.cpp's reference does: d is extreme / −8."""
    low, high = blocks["q"] & 0x0F, blocks["q"] >> 4
    q = np.concatenate([low, high], axis=1).astype(np.float32)
    scale = blocks["d"].astype(np.float32)
    least = blocks["m"].astype(np.float32)
    weights = q * scale[:, None] + least[:, None]
    extreme = np.take_along_axis(weights, np.abs(weights).argmax(axis=1)[:, None], axis=1)[:, 0]
    step = extreme / np.float32(-8)
    inverse = np.divide(np.float32(1), step, out=np.zeros_like(step), where=step != 0)
    rounded = np.clip(np.trunc(weights * inverse[:, None] + np.float32(8.5)), 0, 15).astype(
        np.uint8
    )
    made = np.empty(len(blocks), dtype=_TO)
    made["d"] = step
    made["q"] = rounded[:, : _BLOCK // 2] | (rounded[:, _BLOCK // 2 :] << 4)
    return made.tobytes()


def _aligned(place: int) -> int:
    return -(-place // _BLOCK) * _BLOCK


def _described(tensor: _Tensor) -> bytes:
    shape = b"".join(struct.pack("<Q", size) for size in tensor.shape)
    name = struct.pack("<Q", len(tensor.name)) + tensor.name
    place = struct.pack("<IQ", tensor.kind, tensor.offset)
    return name + struct.pack("<I", len(tensor.shape)) + shape + place


class _Reader:
    """Walks over the head of a GGUF file; what it holds besides tensors is only passed over."""

    def __init__(self, content: bytes) -> None:
        """Reads as far as the list of tensors; raises what `struct` does for a file cut short."""
        self._content = content
        self.place = 4
        version, tensors = self._number("I"), self._number("Q")
        if version not in (2, 3) or tensors > len(content):
            raise ValueError(version)
        self._tensors = tensors
        for _ in range(self._number("Q")):
            if self._text() == b"general.alignment":
                raise ValueError("alignment")
            self._pass_over(self._number("I"))
        self.metadata_end = self.place

    def tensors(self) -> list[_Tensor]:
        """What the file says of each tensor, in its order."""
        return [self._tensor() for _ in range(self._tensors)]

    def _tensor(self) -> _Tensor:
        name = self._text()
        shape = tuple(self._number("Q") for _ in range(self._number("I")))
        return _Tensor(name=name, shape=shape, kind=self._number("I"), offset=self._number("Q"))

    def _number(self, kind: str) -> int:
        number = cast("int", struct.unpack_from(f"<{kind}", self._content, self.place)[0])
        self.place += struct.calcsize(f"<{kind}")
        return number

    def _text(self) -> bytes:
        size = self._number("Q")
        text = self._content[self.place : self.place + size]
        if len(text) < size:
            raise ValueError(size)
        self.place += size
        return text

    def _pass_over(self, kind: int) -> None:
        if kind == _STRING:
            self._text()
        elif kind == _ARRAY:
            element, count = self._number("I"), self._number("Q")
            if element in _WIDTHS:
                self.place += _WIDTHS[element] * count
            else:
                for _ in range(count):
                    self._pass_over(element)
        else:
            self.place += _WIDTHS[kind]
