r"""MATH: competition problems whose answer is what the worked solution puts in \boxed{}."""

from lamas.answers.final_answer import last_boxed
from lamas.benchmarks.benchmark import BenchmarkSettings, Score
from lamas.benchmarks.scorers import MathScorer
from lamas.benchmarks.source import SourceTable, as_text, read_table
from lamas.benchmarks.split import Draft, assemble
from lamas.domain import Problem, TaskFamily
from lamas.errors import BenchmarkError

QUESTION_COLUMNS = ("question", "problem")
SOLUTION_COLUMNS = ("answer", "solution")
NOTED_COLUMNS = ("level", "type", "subject")


class Math:
    r"""Columns `question` or `problem`, and `solution` or `answer` with a \boxed{} in it."""

    family: TaskFamily = "math"

    def __init__(self, settings: BenchmarkSettings) -> None:
        self._settings = settings
        self._scorer = MathScorer()
        self.name = settings.label

    def load(self) -> tuple[Problem, ...]:
        table = read_table(self._settings.path)
        question = _present(table, QUESTION_COLUMNS)
        # Where both exist, as in MATH-500, the solution holds the box and the answer is bare.
        solution = _present(table, tuple(reversed(SOLUTION_COLUMNS)))
        drafts: list[Draft] = []
        for index, row in enumerate(table.rows):
            worked = table.text(index, solution)
            box = last_boxed(worked)
            if box is None or not box.content:
                raise BenchmarkError(
                    rf"{table.where(index)}: the solution has no \boxed{{answer}}; correct it, or "
                    "use benchmark kind file with scorer math"
                )
            noted = {name: as_text(row[name]) for name in NOTED_COLUMNS if name in row}
            drafts.append(
                Draft(
                    question=table.text(index, question),
                    reference=box.content,
                    metadata={
                        **{name: value for name, value in noted.items() if value is not None},
                        "solution": worked,
                    },
                )
            )
        return assemble(
            name=self.name, family=self.family, drafts=drafts, settings=self._settings.split
        )

    async def extract(self, problem: Problem, text: str) -> str | None:
        return await self._scorer.extract(text)

    async def score(self, problem: Problem, answer: str) -> Score:
        return await self._scorer.score(problem.reference, answer)


def _present(table: SourceTable, names: tuple[str, ...]) -> str:
    for name in names:
        if name in table.columns:
            return name
    table.require(names[-1])
    return names[-1]
