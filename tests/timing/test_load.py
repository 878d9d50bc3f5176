"""Concurrent load: the sweep equals counting every pair, to known answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.timing.load import average_loads

pytestmark = pytest.mark.slow

TIMES = st.integers(0, 40).map(lambda quarters: quarters / 4)
INTERVALS = st.lists(st.tuples(TIMES, TIMES), min_size=1, max_size=12)


def naive_loads(intervals: list[tuple[float, float]]) -> list[float]:
    """Every pair's overlap, over the call's own length; at an instant, who is in flight then."""
    found: list[float] = []
    for place, (start, end) in enumerate(intervals):
        others = [item for at, item in enumerate(intervals) if at != place]
        if end > start:
            shared = sum(max(0.0, min(end, b) - max(start, a)) for a, b in others)
            found.append(shared / (end - start))
        else:
            found.append(float(sum(a <= start < b for a, b in others)))
    return found


@given(INTERVALS, st.sampled_from([0.0, 1_800_000_000.0]))
def test_the_sweep_equals_counting_every_pair(
    drawn: list[tuple[float, float]], origin: float
) -> None:
    intervals = [(origin + start, origin + start + length) for start, length in drawn]
    loads = average_loads([a for a, _ in intervals], [b for _, b in intervals])
    assert loads == pytest.approx(naive_loads(intervals), abs=1e-9)


def test_known_loads() -> None:
    # Alone for half its life, then beside two others.
    assert average_loads([0.0, 1.0, 1.0], [2.0, 2.0, 3.0]).tolist() == [1.0, 2.0, 1.0]
    assert average_loads([5.0], [6.0]).tolist() == [0.0]
    assert average_loads([], []).tolist() == []


def test_hundreds_of_calls_in_epoch_seconds() -> None:
    source = np.random.default_rng(0)
    starts = 1.8e9 + source.uniform(0, 1200, 300)
    ends = starts + source.lognormal(0, 1, 300)
    naive = naive_loads(list(zip(starts.tolist(), ends.tolist(), strict=True)))
    assert average_loads(starts, ends) == pytest.approx(naive, abs=1e-4)
