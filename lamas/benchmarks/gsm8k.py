"""GSM8K: grade-school word problems whose answer is the number after `####`."""

from lamas.answers.number import canonical_number, read_number
from lamas.benchmarks.benchmark import BenchmarkSettings, Score
from lamas.benchmarks.scorers import NumberScorer
from lamas.benchmarks.source import read_table
from lamas.benchmarks.split import Draft, assemble
from lamas.domain import Problem, TaskFamily
from lamas.errors import BenchmarkError

MARK = "####"


class Gsm8k:
    """Columns `question` and `answer`, the answer a worked solution that ends `#### 18`."""

    family: TaskFamily = "math"

    def __init__(self, settings: BenchmarkSettings) -> None:
        self._settings = settings
        self._scorer = NumberScorer()
        self.name = settings.label

    def load(self) -> tuple[Problem, ...]:
        table = read_table(self._settings.path)
        table.require("question", "answer")
        drafts: list[Draft] = []
        for index in range(len(table.rows)):
            solution = table.text(index, "answer")
            worked, mark, final = solution.rpartition(MARK)
            value = read_number(final) if mark else None
            if value is None:
                raise BenchmarkError(
                    f"{table.where(index)}: the answer does not end with '{MARK} number'; correct "
                    "it, or use benchmark kind file"
                )
            drafts.append(
                Draft(
                    question=table.text(index, "question"),
                    reference=canonical_number(value),
                    metadata={"solution": worked.strip()},
                )
            )
        return assemble(
            name=self.name, family=self.family, drafts=drafts, settings=self._settings.split
        )

    async def extract(self, problem: Problem, text: str) -> str | None:
        return await self._scorer.extract(text)

    async def score(self, problem: Problem, answer: str) -> Score:
        return await self._scorer.score(problem.reference, answer)
