"""How values cross between a candidate's process and its checker's: as data, never as objects."""

import builtins
import json
import operator
import os
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import cast

MAX_FRAME_BYTES = 16 * 1024 * 1024
_MAX_ITEMS = 1_000_000
_HEADER_BYTES = 8
_ENDS_OF_LOOPS = ("StopIteration", "StopAsyncIteration")


class NotPlainData:
    """Stands for a value that is no plain data; equals nothing but itself."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __repr__(self) -> str:
        return f"<a value of type {self.kind}>"


class CandidateError(Exception):
    """The candidate raised an exception of its own making, or tried to exit."""


class CandidateLostError(Exception):
    """The candidate's process ended or sent something that is no answer."""


def encode(value: object) -> object:
    """`value` as JSON-ready data. Subclasses become their base type, iterators their items."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return ["i", format(int(value), "x")]
    if isinstance(value, float):
        return ["f", float(value).hex()]
    if isinstance(value, complex):
        return ["c", value.real.hex(), value.imag.hex()]
    if isinstance(value, bytes | bytearray):
        return ["b" if isinstance(value, bytes) else "ba", bytes(value).hex()]
    if isinstance(value, range):
        return ["r", *(format(part, "x") for part in (value.start, value.stop, value.step))]
    return _encode_container(value)


def _encode_container(value: object) -> object:
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return ["d", *([encode(key), encode(item)] for key, item in items)]
    for tag, kinds in (("l", list), ("t", tuple), ("s", set), ("fs", frozenset)):
        if isinstance(value, kinds):
            return [tag, *(encode(item) for item in cast("Sequence[object] | Set[object]", value))]
    if isinstance(value, Iterator):
        items = cast("Iterator[object]", value)
        return ["it", *(encode(item) for _, item in zip(range(_MAX_ITEMS), items, strict=False))]
    return _encode_scalar_like(value)


def _encode_scalar_like(value: object) -> object:
    # Numbers of numpy and the like say themselves what they are in plain Python.
    try:
        return ["i", format(operator.index(cast("int", value)), "x")]
    except TypeError:
        pass
    plain = getattr(value, "item", None)
    if callable(plain):
        try:
            item = plain()
        except (TypeError, ValueError):
            item = None
        if isinstance(item, bool | int | float | complex | str):
            return encode(item)
    return ["?", type(value).__name__]


def decode(data: object) -> object:
    """The value behind `data`, built from exact builtin types. Raises CandidateLostError."""
    if data is None or type(data) in (bool, str):
        return data
    if type(data) is not list or not data:
        raise CandidateLostError("the candidate sent malformed data")
    tag, *parts = cast("list[object]", data)
    reader = _READERS.get(tag) if isinstance(tag, str) else None
    if reader is None:
        raise CandidateLostError("the candidate sent data of unknown kind")
    try:
        return reader(parts)
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise CandidateLostError("the candidate sent malformed data") from error


def _texts(parts: list[object]) -> list[str]:
    if not all(type(part) is str for part in parts):
        raise TypeError("not text")
    return cast("list[str]", parts)


def _items(parts: list[object]) -> list[object]:
    return [decode(part) for part in parts]


def _dict(parts: list[object]) -> dict[object, object]:
    result: dict[object, object] = {}
    for part in parts:
        key, item = cast("list[object]", part)
        result[decode(key)] = decode(item)
    return result


_READERS: dict[str, Callable[[list[object]], object]] = {
    "i": lambda parts: int(_texts(parts)[0], 16),
    "f": lambda parts: float.fromhex(_texts(parts)[0]),
    "c": lambda parts: complex(*(float.fromhex(part) for part in _texts(parts)[:2])),
    "b": lambda parts: bytes.fromhex(_texts(parts)[0]),
    "ba": lambda parts: bytearray.fromhex(_texts(parts)[0]),
    "r": lambda parts: range(*(int(part, 16) for part in _texts(parts)[:3])),
    "d": _dict,
    "l": _items,
    "t": lambda parts: tuple(_items(parts)),
    "s": lambda parts: set(_items(parts)),
    "fs": lambda parts: frozenset(_items(parts)),
    "it": lambda parts: iter(_items(parts)),
    "?": lambda parts: NotPlainData(_texts(parts)[0]),
}


def encode_exception(error: BaseException) -> object:
    """Names of its classes, nearest first, and its message."""
    names = [kind.__name__ for kind in type(error).__mro__]
    try:
        message = str(error)
    except Exception:  # the program's own __str__ may raise anything
        message = ""
    return ["raised", [*names, type(error).__name__], message[:2000]]


def decode_exception(names: object, message: object) -> Exception:
    """The nearest builtin `Exception` of that name, so that asserted types match.

    Never one that would end the checker: `SystemExit` and the like come back as CandidateError. Nor
    one that would end a loop of the checker's early, as if all had been well: see PEP 479.
    """
    text = message if isinstance(message, str) else ""
    found = cast("list[object]", names) if isinstance(names, list) else []
    ending = next((name for name in found if name in _ENDS_OF_LOOPS), None)
    if ending is not None:
        return RuntimeError(f"candidate raised {ending}: {text}")
    for name in found:
        kind = getattr(builtins, name, None) if isinstance(name, str) else None
        if isinstance(kind, type) and issubclass(kind, Exception) and kind is not Exception:
            try:
                return kind(text)
            except TypeError:  # UnicodeDecodeError wants five arguments
                continue
    return CandidateError(f"{found[0] if found else 'exception'}: {text}")


def send(pipe: int, message: object) -> None:
    """Writes one frame. Raises ValueError for an oversized one, OSError when nobody reads."""
    body = json.dumps(message).encode()
    if len(body) > MAX_FRAME_BYTES:
        raise ValueError(f"{len(body)} bytes of data exceed the limit of {MAX_FRAME_BYTES}")
    rest = memoryview(len(body).to_bytes(_HEADER_BYTES, "big") + body)
    while rest:
        rest = rest[os.write(pipe, rest) :]


def receive(pipe: int) -> object:
    """Reads one frame. Raises EOFError at the end, CandidateLostError for what is no frame."""
    size = int.from_bytes(_read_exactly(pipe, _HEADER_BYTES), "big")
    if size > MAX_FRAME_BYTES:
        raise CandidateLostError(f"the answer exceeds the limit of {MAX_FRAME_BYTES} bytes")
    try:
        return json.loads(_read_exactly(pipe, size))
    except ValueError as error:
        raise CandidateLostError("the candidate sent something that is no answer") from error


def _read_exactly(pipe: int, size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = os.read(pipe, min(size, 1 << 16))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
