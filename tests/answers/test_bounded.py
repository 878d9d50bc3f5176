"""Answers that are expensive to read: a verdict in bounded time, others unharmed, a free loop."""

import asyncio
import time

import pytest

from lamas.answers.aside import find, find_program
from lamas.answers.reading import find_answer
from lamas.answers.workers import Workers
from tests.answers.judging import judged

pytestmark = pytest.mark.slow

TOWER = r"\boxed{\dfrac{5^{\left(5^{\left(5^{\left(5^5\right)}\right)}\right)}}{16}}"
NUMBERS = "x = [\n" + "".join(f"    {n},\n" for n in range(4000)) + "]\n"
LADDER = "def f(n):\n    if n < 0:\n        return 0\n" + "".join(
    f"    elif n == {n}:\n        return {n}\n" for n in range(900)
)
EXPENSIVE = {
    "numbers and prose": "def f(n):\n    return n\n" + NUMBERS + "These are numbers.\n" * 40,
    "a ladder": LADDER + "and so on\n",
    "backticks": "`" * 80_000,
    "fences": "```\n" * 12_000,
    "decorators": "@a\n" * 16_000,
    "a long sum": "def f(n):\n    return " + "n + " * 12_000 + "n\n",
}


@pytest.fixture(scope="module", name="readers")
def _readers() -> Workers:
    return Workers(workers=2, seconds=3)


@pytest.mark.parametrize("name", EXPENSIVE)
async def test_a_program_is_read_within_its_cpu_time(readers: Workers, name: str) -> None:
    # The processes count CPU seconds, so that it ends is the assertion.
    read = await find_program(
        EXPENSIVE[name], "def f(n):\n", "f", fenced="", workers=lambda: readers
    )
    assert (read.program is not None) == (name in ("numbers and prose", "a ladder")), read.place
    after = await find_program("def f(n): return 1" + " " * 3000, "", "f", workers=lambda: readers)
    assert after.program is not None


async def test_a_tower_of_powers_is_wrong_and_harms_no_other_verdict() -> None:
    tower, other = await asyncio.gather(
        judged("math", "5", TOWER), judged("math", "(x+1)^2", r"\boxed{x^2+2x+1}")
    )
    assert (tower.value, other.value) == (0.0, 1.0)
    assert (await judged("math", r"\frac{x}{2}", r"\boxed{0.5x}")).value == 1.0


async def test_reading_aside_gives_what_reading_at_once_gives(readers: Workers) -> None:
    for text in ("The answer is 12.", "<think>1</think>3", r"\boxed{\frac12}", "\ud83d 5"):
        long = "Let us see. " * 400 + "\n" + text
        for reader in ("number", "math", "exact", "choice"):
            aside = await find(reader, long, workers=lambda: readers)
            assert aside == find_answer(reader, long)


async def test_the_event_loop_is_free_while_answers_are_read(readers: Workers) -> None:
    """The longest gap between heartbeats stays far below what reading takes in this process."""
    answers = [f"# {n}\n{EXPENSIVE['numbers and prose']}" for n in range(16)]
    await find_program("x" * 3000, "", "f", workers=lambda: readers)
    begin = time.perf_counter()
    for answer in answers:
        find_answer("code", answer)
    inline = time.perf_counter() - begin
    longest = 0.0

    async def beat() -> None:
        nonlocal longest
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            longest = max(longest, time.perf_counter() - before)

    heart = asyncio.create_task(beat())
    await asyncio.gather(*(find("code", answer, workers=lambda: readers) for answer in answers))
    heart.cancel()
    assert longest < inline / 2
