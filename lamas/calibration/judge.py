"""Whether a solution text is right, by the benchmark's own scorer, each text judged once."""

import asyncio
from collections.abc import Iterable

from lamas.benchmarks import Benchmark
from lamas.domain import Problem

AT_ONCE = 16
_RIGHT = 0.5


class Judge:
    """Judges texts and remembers; programs run in the benchmark's sandbox only."""

    def __init__(self, benchmark: Benchmark, problems: Iterable[Problem]) -> None:
        self.benchmark = benchmark
        self.problems = {problem.problem_id: problem for problem in problems}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._verdicts: dict[tuple[str, str], asyncio.Task[bool]] = {}

    async def right(self, problem_id: str, text: str) -> bool:
        """Whether the text answers the problem."""
        key = (problem_id, text)
        if key not in self._verdicts:
            self._verdicts[key] = asyncio.create_task(self._judged(*key))
        return await self._verdicts[key]

    async def given(self, problem_id: str, text: str) -> str | None:
        """Canonical form of the answer that the text gives; None when it gives none."""
        return await self.benchmark.extract(self.problems[problem_id], text)

    async def all_right(self, problem_id: str, texts: Iterable[str]) -> list[bool]:
        """The verdicts on several texts, in their order."""
        return list(await asyncio.gather(*(self.right(problem_id, text) for text in texts)))

    async def _judged(self, problem_id: str, text: str) -> bool:
        async with self._slots:
            score = await self.benchmark.score(self.problems[problem_id], text)
        return score.value > _RIGHT
