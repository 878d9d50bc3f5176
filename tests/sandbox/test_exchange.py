"""Values cross between processes as plain data, and rubbish is told apart from them."""

import collections
import enum
import json
import math
import os
from collections.abc import Iterator
from typing import NamedTuple, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamas.sandbox.inside import exchange

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
    | st.complex_numbers(allow_nan=False)
)  # fmt: skip
HASHABLE = st.recursive(
    SCALARS.filter(lambda value: value == value),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=5,
)
VALUES = st.recursive(
    SCALARS | st.sets(HASHABLE, max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(HASHABLE, inner, max_size=3)
    ),
    max_leaves=12,
)


def same(left: object, right: object) -> bool:
    """Equal in value and type all the way down; nan equals nan."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    if isinstance(left, list | tuple):
        items, others = cast("list[object]", left), cast("list[object]", right)
        return len(items) == len(others) and all(map(same, items, others))
    if isinstance(left, dict):
        here, there = cast("dict[object, object]", left), cast("dict[object, object]", right)
        return list(here) == list(there) and all(map(same, here.values(), there.values()))
    return left == right


def cross(value: object) -> object:
    return exchange.decode(json.loads(json.dumps(exchange.encode(value))))


@pytest.mark.slow
@given(VALUES)
@settings(deadline=None)
def test_plain_data_arrives_as_it_left(value: object) -> None:
    try:
        json.dumps(exchange.encode(value)).encode()
    except UnicodeEncodeError:
        return
    assert same(cross(value), value)


class _Colour(enum.IntEnum):
    RED = 3


class _Point(NamedTuple):
    x: int
    y: int


class _AlwaysEqual(int):
    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        (_Colour.RED, 3),
        (_Point(1, 2), (1, 2)),
        (_AlwaysEqual(5), 5),
        (collections.Counter("aab"), {"a": 2, "b": 1}),
        (collections.OrderedDict([("a", 1)]), {"a": 1}),
        (np.int64(7), 7),
        (np.float64(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("s"), "s"),
        (range(2, 9, 3), range(2, 9, 3)),
        (bytearray(b"x"), bytearray(b"x")),
    ],
)
def test_subclasses_arrive_as_their_plain_base(value: object, arrives: object) -> None:
    assert same(cross(value), arrives)


def test_integers_too_long_for_decimal_text_arrive() -> None:
    for sign in (1, -1):
        value = sign * 10 ** int("5000")
        assert cross(value) == value


def test_iterators_arrive_as_iterators() -> None:
    got = cross(iter([1, 2]))
    assert isinstance(got, Iterator)
    assert list(cast("Iterator[object]", got)) == [1, 2]


@pytest.mark.parametrize("value", [object(), print, lambda: 0, int, np.dtype(float)])
def test_other_objects_arrive_as_nothing_equal_to_anything(value: object) -> None:
    got = cross(value)
    assert isinstance(got, exchange.NotPlainData)
    assert got not in (value, cross(value), None, 0)


@pytest.mark.parametrize(
    "data",
    [5, 1.5, [], {}, ["nonsense"], [1], ["i"], ["i", 3], ["i", "xyz"], ["f", "x"], ["d", 1],
     ["d", [["l"], 1]], ["s", ["l"]], ["r", "1", "2", "0"], ["l", {}], ["?", 3], ["b", "zz"]],
)  # fmt: skip
def test_malformed_data_is_refused(data: object) -> None:
    with pytest.raises(exchange.CandidateLostError):
        exchange.decode(data)


class _CustomValueError(ValueError):
    pass


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (ValueError("m"), ValueError),
        (_CustomValueError("m"), ValueError),
        (ZeroDivisionError("m"), ZeroDivisionError),
        (type("Own", (Exception,), {})("m"), exchange.CandidateError),
        (SystemExit("m"), exchange.CandidateError),
        (KeyboardInterrupt("m"), exchange.CandidateError),
        (GeneratorExit("m"), exchange.CandidateError),
        (UnicodeDecodeError("utf-8", b"x", 0, 1, "m"), ValueError),
        (StopIteration("m"), RuntimeError),
        (StopAsyncIteration("m"), RuntimeError),
        (type("End", (StopIteration,), {})("m"), RuntimeError),
    ],
)
def test_exceptions_arrive_as_the_nearest_builtin(
    raised: BaseException, kind: type[Exception]
) -> None:
    told = exchange.encode_exception(raised)
    _, names, message = cast("list[object]", told)
    got = exchange.decode_exception(names, message)
    assert isinstance(got, kind)
    assert "m" in str(got)


def test_exception_data_cannot_name_what_is_no_exception() -> None:
    for names in (["print"], ["SystemExit"], ["__import__"], [3], "ValueError", None, []):
        assert isinstance(exchange.decode_exception(names, 3), exchange.CandidateError)


@pytest.mark.slow
def test_frames_cross_a_pipe() -> None:
    read_end, write_end = os.pipe()
    exchange.send(write_end, {"a": [1, "é"]})
    assert exchange.receive(read_end) == {"a": [1, "é"]}
    os.write(write_end, (exchange.MAX_FRAME_BYTES + 1).to_bytes(8, "big"))
    with pytest.raises(exchange.CandidateLostError, match="exceeds"):
        exchange.receive(read_end)
    os.write(write_end, (3).to_bytes(8, "big") + b"{{{")
    with pytest.raises(exchange.CandidateLostError):
        exchange.receive(read_end)
    os.close(write_end)
    with pytest.raises(EOFError):
        exchange.receive(read_end)
    os.close(read_end)
    with pytest.raises(ValueError, match="exceed the limit"):
        exchange.send(1, "x" * (exchange.MAX_FRAME_BYTES + 1))
