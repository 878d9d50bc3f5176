"""HumanEval: complete a Python function, judged by hidden tests in the sandbox."""

from lamas.answers.aside import find
from lamas.answers.program import preamble
from lamas.benchmarks.benchmark import BenchmarkSettings, Score
from lamas.benchmarks.docstring_tests import public_tests
from lamas.benchmarks.programs import program_aside
from lamas.benchmarks.source import as_text, read_table
from lamas.benchmarks.split import Draft, assemble
from lamas.domain import CodeTests, Problem, TaskFamily
from lamas.errors import BenchmarkError
from lamas.sandbox import JudgingSandbox, SandboxLimits, judge

COLUMNS = ("task_id", "prompt", "entry_point", "canonical_solution", "test")


class HumanEval:
    """Columns of the published file; the answer may be a whole program or the function's body."""

    family: TaskFamily = "code"

    def __init__(
        self,
        settings: BenchmarkSettings,
        *,
        sandbox: JudgingSandbox | None,
        limits: SandboxLimits | None = None,
    ) -> None:
        self._settings = settings
        self._sandbox = sandbox
        self._limits = limits
        self.name = settings.label

    def load(self) -> tuple[Problem, ...]:
        table = read_table(self._settings.path)
        table.require(*COLUMNS)
        drafts: list[Draft] = []
        for index in range(len(table.rows)):
            # Leading blanks of a prompt or solution are Python, so the cells are taken unstripped.
            cells = {name: as_text(table.rows[index][name]) or "" for name in COLUMNS}
            for name in ("prompt", "entry_point", "test"):
                table.text(index, name)
            entry_point = cells["entry_point"].strip()
            if not entry_point.isidentifier():
                raise BenchmarkError(
                    f"{table.where(index)}: entry_point {entry_point!r} is no function name"
                )
            drafts.append(
                Draft(
                    question=cells["prompt"],
                    reference=cells["canonical_solution"],
                    tests=CodeTests(
                        entry_point=entry_point,
                        public=public_tests(cells["prompt"], entry_point),
                        hidden=f"{cells['test'].rstrip()}\n\ncheck({entry_point})\n",
                    ),
                    metadata={"task_id": cells["task_id"]},
                )
            )
        return assemble(
            name=self.name, family=self.family, drafts=drafts, settings=self._settings.split
        )

    async def extract(self, problem: Problem, text: str) -> str | None:
        return (await find("code", text)).form

    async def score(self, problem: Problem, answer: str) -> Score:
        """Raises BenchmarkError without a sandbox, SandboxError when the sandbox is broken."""
        if problem.tests is None:
            raise BenchmarkError(f"problem {problem.problem_id} has no tests to judge a program by")
        read = await program_aside(problem, answer)
        if read.program is None:
            return Score(value=0.0, extracted=None, detail=read.place)
        if self._sandbox is None:
            raise BenchmarkError(
                f"benchmark {self.name!r} judges programs and was given no sandbox to run them in"
            )
        entry_point = problem.tests.entry_point
        judgement = await judge(
            self._sandbox,
            read.program,
            problem.tests.hidden,
            names=(entry_point,),
            setup=preamble(problem.question, entry_point),
            limits=self._limits,
        )
        return Score(
            value=float(judgement.passed),
            extracted=read.form,
            detail=judgement.detail,
            place=read.place,
            runs=judgement.runs,
        )
