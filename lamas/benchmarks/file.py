"""Any table with a question and an answer column as a benchmark, from configuration alone."""

import re
from collections.abc import Mapping

from lamas.answers.choice import lettered
from lamas.answers.formula import find_formula
from lamas.answers.number import extract_number
from lamas.answers.plain_text import extract_text, squad_text
from lamas.benchmarks.benchmark import BenchmarkSettings, Score
from lamas.benchmarks.options import Options, options_of
from lamas.benchmarks.scorers import build_scorer, references_of
from lamas.benchmarks.source import SourceTable, as_text, read_table
from lamas.benchmarks.split import Draft, assemble
from lamas.domain import Problem, TaskFamily
from lamas.errors import BenchmarkError

PLACE = re.compile(r"\{(\w+)\}")
LONGEST_NOTE = 200


class FileBenchmark:
    """JSONL, CSV or Parquet, local or `hf://`, judged by the configured scorer."""

    def __init__(self, settings: BenchmarkSettings) -> None:
        if settings.family == "code":
            raise BenchmarkError(
                f"benchmark {settings.label!r}: kind file has no tests to judge programs by; use "
                "kind humaneval for a file in HumanEval's columns"
            )
        self._settings = settings
        self._scorer = build_scorer(settings.scorer)
        self.name = settings.label
        self.family: TaskFamily = settings.family

    def load(self) -> tuple[Problem, ...]:
        settings = self._settings
        table = read_table(settings.path)
        places = PLACE.findall(settings.question) or [settings.question]
        named = [name for name in (settings.choices, settings.category) if name]
        table.require(*places, settings.answer, *named)
        used = {*places, settings.answer, *named, *settings.only}
        drafts: list[Draft] = []
        for index in self._wanted(table):
            options = self._options(table, index)
            question = self._question(table, index)
            drafts.append(
                Draft(
                    question=lettered(question, options.shown) if options.shown else question,
                    reference=self._reference(table, index, options),
                    choices=options.texts,
                    metadata={
                        **_notes(table.rows[index], used),
                        **self._kept(table, index, len(options.texts)),
                    },
                )
            )
        return assemble(name=self.name, family=self.family, drafts=drafts, settings=settings.split)

    async def extract(self, problem: Problem, text: str) -> str | None:
        return await self._scorer.extract(text, problem.choices)

    async def score(self, problem: Problem, answer: str) -> Score:
        return await self._scorer.score(problem.reference, answer, problem.choices)

    def _question(self, table: SourceTable, index: int) -> str:
        template = self._settings.question
        if PLACE.search(template) is None:
            return table.text(index, template)
        return PLACE.sub(lambda place: table.text(index, place[1]), template)

    def _wanted(self, table: SourceTable) -> list[int]:
        """Rows that `only` selects."""
        only = self._settings.only
        missing = [column for column in only if column not in table.columns]
        if missing:
            raise BenchmarkError(
                f"{table.path} has no column {missing[0]!r} to select "
                f"{missing[0]}={only[missing[0]]} by: take all rows with ~benchmark.only, or name "
                f"one of {', '.join(table.columns)}"
            )
        wanted = [
            index
            for index, row in enumerate(table.rows)
            if all(as_text(row[column]) == value for column, value in only.items())
        ]
        if not wanted:
            asked = ", ".join(f"{column}={value}" for column, value in only.items())
            raise BenchmarkError(f"{table.path} has no row with {asked}; correct benchmark.only")
        return wanted

    def _options(self, table: SourceTable, index: int) -> Options:
        column = self._settings.choices
        if not column:
            return Options()
        options = options_of(table.rows[index][column])
        if options is None:
            raise BenchmarkError(
                f"{table.where(index)}: {column!r} is neither a list of 1 to 26 options nor how "
                "many of them the question shows; correct the row, or name another column"
            )
        return options

    def _kept(self, table: SourceTable, index: int, options: int) -> dict[str, str]:
        """What is known of a problem under the same names whatever the source calls it."""
        kept = {"options": str(options)} if options else {}
        if self._settings.category:
            kept["category"] = table.text(index, self._settings.category)
        return kept

    def _reference(self, table: SourceTable, index: int, options: Options) -> str:
        """The bare reference; a worked solution is reduced to its answer."""
        column = self._settings.answer
        written = table.text(index, column)
        match self._settings.scorer:
            case "number":
                reference = extract_number(written)
            case "math":
                reference = find_formula(written).written or None
            case "exact":
                reference = written if extract_text(written) else None
            case "squad":
                reference = written if any(map(squad_text, references_of(written))) else None
            case "choice":
                is_index = isinstance(table.rows[index][column], int)
                reference = options.letter_of(written, is_index=is_index)
        if reference is None:
            raise BenchmarkError(
                f"{table.where(index)}: {column!r} is {written[:80]!r}, in which scorer "
                f"{self._settings.scorer} finds no answer; correct the row or choose another scorer"
            )
        return reference


def _notes(row: Mapping[str, object], used: set[str]) -> dict[str, str]:
    """The short remaining columns, for reports."""
    texts = {name: as_text(value) for name, value in row.items() if name not in used}
    return {
        name: text for name, text in texts.items() if text is not None and len(text) <= LONGEST_NOTE
    }
