"""Programs read out of answers and judged in the sandbox, in a table of problems times shapes."""

import ast
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from lamas.answers.program import canonical_code, complete_program, preamble
from lamas.benchmarks import Benchmark, BenchmarkSettings, build_benchmark, program_of
from lamas.domain import Problem
from lamas.errors import BenchmarkError
from lamas.sandbox import ProcessSandbox


@dataclass(frozen=True)
class Task:
    prompt: str
    entry_point: str
    body: str
    wrong: str
    test: str

    @property
    def full(self) -> str:
        return self.prompt + self.body

    @property
    def bare(self) -> str:
        """The function alone, without the prompt's imports and helpers."""
        return self.full[self.full.index(f"def {self.entry_point}") :]


TASKS = [
    Task(
        prompt='def double(x):\n    """Twice x.\n    >>> double(2)\n    4\n    """\n',
        entry_point="double",
        body="    y = x + x\n    return y\n",
        wrong="    y = x + 1\n    return y\n",
        test="def check(candidate):\n    assert [candidate(x) for x in (2, -3)] == [4, -6]\n",
    ),
    Task(
        prompt=(
            "from typing import List\nimport math\n\n\n"
            'def roots(xs: List[float]) -> List[float]:\n    """ Square roots. """\n'
        ),
        entry_point="roots",
        body="    result: List[float] = [math.sqrt(x) for x in xs]\n    return result\n",
        wrong="    result: List[float] = [math.sqrt(x) + 1 for x in xs]\n    return result\n",
        test="def check(candidate):\n    assert candidate([4.0, 9.0]) == [2.0, 3.0]\n",
    ),
    Task(
        prompt=(
            'def turned(s: str) -> str:\n    """ Reversed. """\n    return s[::-1]\n\n\n'
            'def mirrored(s: str) -> str:\n    """ s and its reverse. """\n'
        ),
        entry_point="mirrored",
        body="    back = turned(s)\n    return s + back\n",
        wrong="    back = turned(s)\n    return back + s\n",
        test="def check(candidate):\n    assert candidate('ab') + candidate('') == 'abba'\n",
    ),
    Task(
        prompt=(
            "from typing import Optional\n\n\n"
            'def longest(words) -> Optional[str]:\n    """ First longest word, or None. """\n'
        ),
        entry_point="longest",
        body="    best = max(words, key=len, default=None)\n    return best\n",
        wrong="    best = min(words, key=len, default=None)\n    return best\n",
        test=(
            "def check(candidate):\n    assert candidate(['a', 'bb']) == 'bb'\n"
            "    assert candidate([]) is None\n"
        ),
    ),
]

FUTURE = "```python\nfrom __future__ import annotations\n{bare}```"
MAIN = '\n\nif __name__ == "__main__":\n    raise SystemExit(3)\n'
# (name, answer shape, passes); {body}, {wrong}, {full}, {bare}, {entry} come from the task
SHAPES: list[tuple[str, str, bool]] = [
    ("the body as it stands", "{body}", True),
    ("the body dedented", "{dedented}", True),
    ("the body stripped", "{stripped}", True),
    ("the body in a fence", "```python\n{body}```", True),
    ("the body dedented in a fence", "```\n{dedented}\n```", True),
    ("the whole program", "{full}", True),
    ("the whole program fenced", "```python\n{full}```", True),
    ("prose around a fence", "Sure! Here:\n\n```python\n{full}\n```\nIt works because.", True),
    ("the function without the prompt's part", "```python\n{bare}```", True),
    ("the function without a fence", "{bare}", True),
    ("prose before and after, no fence", "Here is the code:\n\n{bare}\n\nThis is linear.", True),
    ("an upper-case language name", "```Python\n{full}```", True),
    ("py as the language", "```py\n{full}```", True),
    ("tildes", "~~~python\n{full}~~~", True),
    ("an indented fence", "1. Do it:\n   ```python\n{full}   ```", True),
    ("an unclosed fence", "```python\n{full}", True),
    ("a cut-off explanation in the fence", "```python\n{full}\nprint({entry}(", True),
    ("a cut-off second function", "```python\n{full}\n\ndef other(x):\n    if x ==", True),
    ("a wrong draft first", "```python\n{wrongfull}```\nBetter:\n```python\n{full}```", True),
    ("a usage block last", "```python\n{full}```\nUse:\n```python\nprint('hello')\n```", True),
    ("output of another language last", "```python\n{full}```\n```text\n{entry} -> 3\n```", True),
    ("a main part", "```python\n{full}" + MAIN + "```", True),
    ("a comment and blank lines", "```python\n\n# solution\n\n{full}\n\n```", True),
    ("an import of the future", FUTURE, True),
    ("a helper in its own block", "```python\nimport os\n```\n```python\n{bare}```", True),
    ("carriage returns", "```python\r\n{crlf}```", True),
    ("the wrong body", "{wrong}", False),
    ("the wrong program fenced", "```python\n{wrongfull}```", False),
    ("a right draft first", "```python\n{full}```\nNo:\n```python\n{wrongfull}```", False),
    ("nothing", "", False),
    ("blanks", "   \n\n", False),
    ("pass", "    pass\n", False),
    ("prose only", "I would use a loop here.", False),
    ("another name", "```python\ndef something_else(*xs):\n    return xs\n```", False),
    ("a program cut off in the function", "```python\n{cut}", False),
    ("an error at the top", "```python\nraise ValueError(1)\n{full}```", False),
    ("an exit", "```python\nimport os\nos._exit(0)\n{full}```", False),
    ("an endless prefix that is no Python", "((((" * 500, False),
]
CASES = [(task, *shape) for task in TASKS for shape in SHAPES]


def filled(shape: str, task: Task) -> str:
    return (
        shape.replace("{body}", task.body)
        .replace("{stripped}", task.body.strip())
        .replace("{dedented}", "\n".join(line[4:] for line in task.body.splitlines()))
        .replace("{wrongfull}", task.prompt + task.wrong)
        .replace("{wrong}", task.wrong)
        .replace("{full}", task.full)
        .replace("{bare}", task.bare)
        .replace("{crlf}", task.full.replace("\n", "\r\n"))
        .replace("{cut}", task.full[: task.full.rindex("return") + 3])
        .replace("{entry}", task.entry_point)
    )


def benchmark_file(folder: Path) -> Path:
    path = folder / "tasks.jsonl"
    rows = [
        {
            "task_id": f"Task/{number}",
            "prompt": task.prompt,
            "entry_point": task.entry_point,
            "canonical_solution": task.body,
            "test": task.test,
        }
        for number, task in enumerate(TASKS)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@dataclass(frozen=True)
class Bench:
    benchmark: Benchmark
    problems: tuple[Problem, ...]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    path = benchmark_file(tmp_path_factory.mktemp("humaneval"))
    async with ProcessSandbox() as sandbox:
        benchmark = build_benchmark(
            BenchmarkSettings(kind="humaneval", path=str(path)), sandbox=sandbox
        )
        yield Bench(benchmark, benchmark.load())


def test_table_is_large_enough():
    assert len(CASES) >= 100


@pytest.mark.parametrize(
    ("task", "name", "shape", "passes"),
    CASES,
    ids=[f"{task.entry_point}-{name}" for task, name, _, _ in CASES],
)
async def test_code_pairs(bench: Bench, task: Task, name: str, shape: str, passes: bool):
    problem = bench.problems[TASKS.index(task)]
    score = await bench.benchmark.score(problem, filled(shape, task))
    assert score.value == float(passes), (name, score)


async def test_references_pass_and_references_of_others_do_not(bench: Bench):
    for problem in bench.problems:
        for other in bench.problems:
            score = await bench.benchmark.score(problem, other.reference)
            assert score.value == float(problem is other), (problem.problem_id, score)


def test_public_tests_come_from_the_docstring(bench: Bench):
    tests = bench.problems[0].tests
    assert tests is not None
    assert tests.public == ("assert double(2) == 4",)


async def test_without_a_sandbox_nothing_is_judged(bench: Bench, tmp_path: Path):
    benchmark = build_benchmark(
        BenchmarkSettings(kind="humaneval", path=str(benchmark_file(tmp_path)))
    )
    with pytest.raises(BenchmarkError, match="no sandbox"):
        await benchmark.score(bench.problems[0], TASKS[0].full)


def test_a_program_keeps_the_prompts_imports_and_helpers(bench: Bench):
    program = program_of(bench.problems[2], TASKS[2].bare)
    assert program is not None
    assert "def turned" in program
    assert preamble(TASKS[1].prompt, "roots").startswith("from typing import List\nimport math")


def test_a_future_import_comes_first():
    program, _ = complete_program(TASKS[1].prompt, "roots", filled(FUTURE, TASKS[1]))
    assert program is not None
    assert program.startswith("from __future__ import annotations\n")
    ast.parse(program)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_equal_programs_vote_together(task: Task):
    commented = (
        task.full.replace("return", "# so\n    return", 1)
        if task.full.count("return") < 2
        else task.full
    )
    forms = {
        canonical_code(f"```python\n{task.full}```"),
        canonical_code(f"Here:\n```python\n{commented}\n\n```\nDone."),
        canonical_code(task.full.replace('""" ', '"""', 1)),
    }
    assert len(forms) == 1
    assert None not in forms
    assert canonical_code(f"```python\n{task.prompt}{task.wrong}```") not in forms


@pytest.mark.slow
def test_text_without_code_has_no_code():
    assert canonical_code("I would use a loop.") is None
    assert canonical_code("") is None


@pytest.mark.slow
@given(st.text(max_size=200), st.sampled_from(TASKS))
def test_any_text_is_read_without_an_error(text: str, task: Task):
    for answer in (text, f"```python\n{text}\n```", task.full + text):
        program, _ = complete_program(task.prompt, task.entry_point, answer)
        if program is not None:
            ast.parse(program)
        canonical_code(answer)
