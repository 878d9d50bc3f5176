"""How long answers take to read and judge, and how late a heartbeat is meanwhile.

    python -m tests.measure.answers [PAIRS.jsonl]

Without a file 500 own pairs are judged. A heartbeat of 10 ms runs while 64 answers, some of them
expensive, are scored; printed is the longest time between two beats beyond those 10 ms.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path

from lamas.answers.aside import find, find_program
from lamas.benchmarks.scorers import MathScorer, NumberScorer

BEAT = 0.010
NUMBERS = "x = [\n" + "".join(f"    {n},\n" for n in range(4000)) + "]\n"
COSTLY = (
    "def f(n):\n    return n\n" + NUMBERS + "These are numbers.\n" * 40,
    "`" * 80_000,
    "```\n" * 12_000,
    "@a\n" * 16_000,
)


def own_pairs(count: int) -> list[tuple[str, str]]:
    """Pairs of which a third is settled by spelling, a third is wrong, a third needs a solver."""
    pairs: list[tuple[str, str]] = []
    for n in range(2, count + 2):
        spelled = (rf"\frac{{{n}}}{{7}}", rf"So it is \boxed{{\dfrac{{{n}}}{{7}}}}.")
        wrong = (str(n), f"The answer is {n + 1}.")
        solved = (f"x^2+{n}x", rf"\boxed{{x(x+{n})}}")
        pairs.append((spelled, wrong, solved)[n % 3])
    return pairs


async def longest_gap(work: Sequence[Awaitable[object]]) -> tuple[float, float]:
    """(longest delay of a beat in seconds, seconds that the work took)."""
    late = 0.0

    async def beat() -> None:
        nonlocal late
        while True:
            before = time.perf_counter()
            await asyncio.sleep(BEAT)
            late = max(late, time.perf_counter() - before - BEAT)

    heart = asyncio.create_task(beat())
    begin = time.perf_counter()
    await asyncio.gather(*work)
    seconds = time.perf_counter() - begin
    heart.cancel()
    return late, seconds


async def measure(pairs: Sequence[tuple[str, str]]) -> None:
    """Print all figures."""
    for name, scorer in (("number", NumberScorer()), ("math", MathScorer())):
        begin = time.perf_counter()
        scores = await asyncio.gather(*(scorer.score(*pair) for pair in pairs))
        right = sum(score.value == 1.0 for score in scores)
        seconds = time.perf_counter() - begin
        print(f"{name}: {len(pairs)} pairs, {right} right, {seconds:.2f} s with the start")
    ordinary = [f"Step {n}: we add. " * 120 + f"\nThe answer is {n}." for n in range(16)]
    programs = [find_program(f"# {n}\n{COSTLY[n % 4]}", "", "f") for n in range(16)]
    formulas = [MathScorer().score(f"(x+{n})^3", rf"\boxed{{(x+{n})^2(x+{n})}}") for n in range(16)]
    codes = [find("code", f"# {n}\n{COSTLY[0]}") for n in range(16)]
    numbers = [NumberScorer().score(str(n), text) for n, text in enumerate(ordinary)]
    late, seconds = await longest_gap([*programs, *formulas, *codes, *numbers])
    print(f"64 answers in {seconds:.2f} s; the latest heartbeat came {late * 1000:.0f} ms late")


def main() -> None:
    if len(sys.argv) > 1:
        rows = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
        pairs = [(str(row["reference"]), str(row["answer"])) for row in rows]
    else:
        pairs = own_pairs(500)
    asyncio.run(measure(pairs))


if __name__ == "__main__":
    main()
