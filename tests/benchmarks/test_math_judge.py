"""Comparing in child processes: bounded in time, off the event loop, replaced when killed."""

import asyncio
import gc
import threading
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamas.answers.formula import plainly_different
from lamas.benchmarks.math_judge import MathJudge
from tests.patience import patience

SOLVER = MathJudge(workers=1)


@pytest.fixture(scope="module")
def judge() -> MathJudge:
    return MathJudge(workers=2, seconds=1)


def test_it_works_outside_the_main_thread(judge: MathJudge):
    verdicts: list[bool] = []
    thread = threading.Thread(
        target=lambda: verdicts.append(judge.compare(r"\frac{1}{2}", r"\frac{3}{6}").equal)
    )
    thread.start()
    thread.join(patience(60))
    assert verdicts == [True]


@pytest.mark.parametrize(
    "answer",
    [
        "9^{9^{9^{9}}}",
        r"10^{10^{10}}!",
        r"\binom{10^9}{10^8}",
        r"\prod_{i=1}^{100000000} i",
        "(" * 900,
        r"\frac{" * 150,
        "x^" * 400,
    ],
)
def test_a_pathological_answer_is_wrong_and_the_judge_goes_on(judge: MathJudge, answer: str):
    assert not judge.compare("5", answer).equal
    assert judge.compare("x+1+1", "x+2").equal


async def test_the_event_loop_stays_free_while_comparing(judge: MathJudge):
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.02)
            beats += 1

    heart = asyncio.create_task(beat())
    verdict = await judge.compare_aside("6", r"\prod_{i=1}^{100000001} i")
    heart.cancel()
    assert not verdict.equal
    assert beats >= 5


@pytest.mark.slow
async def test_verdicts_do_not_depend_on_concurrency(judge: MathJudge):
    pairs = [(f"({n}+x)^2", f"x^2+{2 * n}x+{n * n + n % 2}") for n in range(12)]
    together = await asyncio.gather(*(judge.compare_aside(*pair) for pair in pairs))
    alone = MathJudge(workers=1)
    assert [v.equal for v in together] == [alone.compare(*pair).equal for pair in pairs]
    assert [v.equal for v in together] == [n % 2 == 0 for n in range(12)]


@pytest.mark.slow
@given(
    st.fractions(min_value=-50, max_value=50, max_denominator=40),
    st.fractions(min_value=-50, max_value=50, max_denominator=40),
)
@settings(max_examples=25, deadline=None)
def test_the_short_cut_for_rationals_agrees_with_the_solver(left: Fraction, right: Fraction):
    written = [f"\\frac{{{value.numerator}}}{{{value.denominator}}}" for value in (left, right)]
    if plainly_different(*written):
        assert not SOLVER.compare(*written).equal
    else:
        assert SOLVER.compare(*written).equal == (left == right)


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_the_pair_counts_as_unequal():
    own = MathJudge(workers=1, seconds=1)
    assert own.compare("2x", "x+x").equal
    worker = own.workers()[0]
    worker.kill()
    worker.wait()
    assert own.compare("3x", "x+x+x").equal


@pytest.mark.slow
def test_workers_end_with_their_judge():
    own = MathJudge(workers=1, seconds=1)
    own.compare("1", "2x")
    process = own.workers()[0]
    del own
    gc.collect()
    assert process.wait(10) is not None
