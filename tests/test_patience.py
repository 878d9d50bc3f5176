"""Waiting: what is found is returned at once, and a slow machine is given its time."""

import subprocess
import sys

import pytest

from tests.patience import MOST, PACE, Pace, Patience, ended, ran, soon, until


class Slow(Pace):
    """A machine that takes so many times as long."""

    def __init__(self, times: float) -> None:
        super().__init__()
        self.times = times

    def now(self) -> float:
        return self.times


def test_seconds_of_a_slow_machine_last_longer() -> None:
    assert Patience(10.0, Slow(1.0)).left <= 10.0
    assert 90.0 < Patience(10.0, Slow(10.0)).left <= 100.0
    assert Patience(0.0, Slow(10.0)).left <= 0.0


def test_the_pace_of_this_machine_is_bounded() -> None:
    assert 1.0 <= PACE.now() <= MOST


def test_what_is_looked_for_is_returned_when_it_is_there() -> None:
    seen: list[int] = []
    assert until(lambda: seen.append(1) or len(seen) > 2, every=0.0)
    assert len(seen) == 3
    with pytest.raises(AssertionError, match="in vain"):
        until(lambda: False, seconds=0.0)


async def test_a_coroutine_waits_alike() -> None:
    assert await soon(lambda: 7) == 7
    with pytest.raises(AssertionError, match="in vain"):
        await soon(lambda: 0, seconds=0.0)


def test_a_process_that_ends_meanwhile_is_waited_for_no_longer() -> None:
    with (
        subprocess.Popen(
            [sys.executable, "-c", "print('why')"], stdout=subprocess.PIPE, text=True
        ) as process,
        pytest.raises(AssertionError, match="why"),
    ):
        until(lambda: False, process=process)


@pytest.mark.slow
def test_a_process_that_never_ends_is_killed_with_what_it_said() -> None:
    code = "import time; print('begun', flush=True); time.sleep(600)"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with pytest.raises(AssertionError, match="begun"):
        ended(process, seconds=1.0)
    assert process.returncode == -9


@pytest.mark.slow
def test_a_command_is_run_to_its_end() -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    done = ran([sys.executable, "-c", code])
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")
