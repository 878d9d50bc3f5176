"""Published benchmarks through the real command, on small files of the same shape."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.command import Finished
from tests.integration.conftest import QUIET
from warehouse import Warehouse

pytestmark = pytest.mark.slow

Run = Callable[..., Finished]

BATCH = QUIET[0]
UNREACHABLE = ("llm=endpoint", "llm.base_url=http://127.0.0.1:9/v1", "llm.model=nobody")

WORDS = [
    ("Ann has 3 apples and buys 4. How many has she?", "3 + 4 = 7\n#### 7"),
    ("A coat costs $1,200 and a hat half of it. Both?", "1200 + 600\n#### 1,800"),
    ("Ten birds, three leave. How many stay?", "10 - 3 = 7\n#### 7"),
    ("Two dozen eggs and one. How many eggs?", "24 + 1\n#### 25"),
    ("Half of 50?", "50 / 2\n#### 25.0"),
]
FORMULAS = [
    ("What is $1/2$?", r"It is $\boxed{\frac12}$."),
    ("What is $0.5$?", r"It is $\boxed{\dfrac{1}{2}}$."),
    ("Which interval?", r"So $\boxed{[0,1)}$."),
    ("Which one then?", r"So $\boxed{(0,1]}$."),
    ("Who?", r"So $\boxed{\text{Ann}}$."),
]
FUNCTIONS = [
    ("plus", "def plus(a, b):\n", "    return a + b\n", "assert candidate(2, 3) == 5"),
    (
        "area",
        "import math\n\ndef square(x):\n    return x * x\n\ndef area(r):\n    '''>>> area(0)\n"
        "    0.0\n    '''\n",
        "    return math.pi * square(r)\n",
        "assert abs(candidate(1) - 3.14159265) < 1e-6",
    ),
    ("even", "def even(n):\n", "    return n % 2 == 0\n", "assert candidate(2) is True"),
    ("last", "def last(items):\n", "    return items[-1]\n", "assert candidate([1, 5]) == 5"),
    ("none", "def size(items):\n", "    return len(items)\n", "assert candidate([]) == 0"),
]


def _written(path: Path, rows: Sequence[Mapping[str, str]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return f"benchmark.path={path}"


def _gsm8k(folder: Path) -> tuple[str, str]:
    rows = [{"question": question, "answer": answer} for question, answer in WORDS]
    return "benchmark=gsm8k", _written(folder / "gsm8k.jsonl", rows)


def _math(folder: Path) -> tuple[str, str]:
    rows = [{"problem": problem, "solution": solution} for problem, solution in FORMULAS]
    return "benchmark=math", _written(folder / "math.jsonl", rows)


def _humaneval(folder: Path) -> tuple[str, str]:
    rows = [
        {
            "task_id": f"Own/{index}",
            "prompt": prompt,
            "entry_point": "size" if name == "none" else name,
            "canonical_solution": body,
            "test": f"def check(candidate):\n    {check}\n",
        }
        for index, (name, prompt, body, check) in enumerate(FUNCTIONS)
    ]
    return "benchmark=humaneval", _written(folder / "humaneval.jsonl", rows)


def _query(home: Path, sql: str) -> list[tuple[object, ...]]:
    return Warehouse.open(home / "warehouse.duckdb").query(sql).rows()


def _is_sound(home: Path) -> None:
    """No rollout failed and no audit found anything."""
    assert _query(home, "SELECT count(*) FROM rollouts WHERE status = 'failed'") == [(0,)]
    found = Warehouse.open(home / "warehouse.duckdb").audit()
    assert [item.name for item in found if item.rows.height] == []


@pytest.mark.parametrize(
    ("benchmark", "equal_neighbours"),
    # 25 = 25.0; one half twice, however it is written.
    [(_gsm8k, [3]), (_math, [0]), (_humaneval, [])],
)
def test_references_are_right_and_nothing_else_is(
    benchmark: Callable[[Path], tuple[str, str]],
    equal_neighbours: list[int],
    tmp_path: Path,
    home: Path,
    lamas: Run,
) -> None:
    chosen = benchmark(tmp_path)
    done = lamas("evaluate", "experiment=sanity", *chosen, *UNREACHABLE, BATCH, f"home={home}")
    assert done.code == 0, done.stderr
    assert "5 problems × 1, no model" in done.stdout
    right = _query(
        home,
        "SELECT policy, list(problem_index ORDER BY problem_index) FILTER (WHERE score = 1) "
        "FROM rollouts JOIN problems USING (problem_id) GROUP BY policy ORDER BY policy",
    )
    assert right == [
        ("empty", None),
        ("other_reference", equal_neighbours or None),
        ("reference", [0, 1, 2, 3, 4]),
    ]
    _is_sound(home)
    judged = benchmark is _humaneval
    assert ("sandbox: process, rlimits, clean-environment" in done.stderr) == judged
    found = _query(
        home,
        "SELECT policy, role, count(*), sum(charged_seconds), bool_and(wall_seconds > 0) "
        "FROM tool_executions JOIN operator_invocations USING (invocation_id) "
        "JOIN rollouts USING (rollout_id) GROUP BY ALL ORDER BY ALL",
    )
    assert found == [
        (policy, role, 5, 0.0, True)
        for policy in ("empty", "other_reference", "reference")
        for role in ("candidate", "checker")
        if judged
    ]


def test_too_few_barriers_refuse_the_run_unless_insisted_on(
    tmp_path: Path, home: Path, lamas: Run
) -> None:
    options = (
        *("evaluate", "experiment=sanity", *_humaneval(tmp_path), BATCH, f"home={home}"),
        *("sandbox.backend=landlock", "sandbox.disabled=[seccomp]"),
        "evaluation.baselines=[reference]",
    )
    refused = lamas(*options)
    assert refused.code != 0
    assert "Programs written by a model will not be run here: missing no network" in refused.stderr
    assert "sandbox.allow_weak=true" in refused.stderr
    assert _query(home, "SELECT count(*) FROM rollouts") == [(0,)]
    insisted = lamas(*options, "sandbox.allow_weak=true")
    assert insisted.code == 0, insisted.stderr
    assert "WITHOUT no network" in insisted.stderr
    assert _query(home, "SELECT sum(score) FROM rollouts") == [(5.0,)]


def test_other_prompts_are_another_run_and_say_so(tmp_path: Path, home: Path, lamas: Run) -> None:
    prompt = tmp_path / "prompts" / "math" / "Generate.md"
    prompt.parent.mkdir(parents=True)
    prompt.write_text("$question Answer in one word.\n")
    options = (
        *(
            "evaluate",
            *_gsm8k(tmp_path),
            "llm=simulated",
            *QUIET,
            f"home={home}",
            "checkpoint=none",
        ),
        *("evaluation.baselines=[generate]", "evaluation.split=all"),
        f"operators.prompts={prompt.parent.parent}",
    )
    assert lamas(*options, "llm.max_calls=2").code != 0
    prompt.write_text("$question Answer in two words.\n")
    assert lamas(*options).code == 0
    runs = _query(home, "SELECT status, count(DISTINCT prompts_digest) FROM runs GROUP BY ALL")
    assert sorted(runs) == [("cancelled", 1), ("completed", 1)]
    shown = _query(
        home,
        "SELECT DISTINCT request_messages[1].content LIKE '%two words.' FROM model_calls "
        "JOIN operator_invocations USING (invocation_id) JOIN rollouts USING (rollout_id) "
        "JOIN run_summary USING (run_id) WHERE run_summary.status = 'completed'",
    )
    assert shown == [(True,)]
    digests = _query(home, "SELECT count(DISTINCT prompts_digest) FROM run_summary")
    assert digests == [(2,)]


@pytest.mark.parametrize("benchmark", [_gsm8k, _humaneval])
def test_a_retrain_on_a_published_benchmark_fills_the_warehouse(
    benchmark: Callable[[Path], tuple[str, str]], tmp_path: Path, home: Path, lamas: Run
) -> None:
    done = lamas(
        "retrain",
        *benchmark(tmp_path),
        *("llm=simulated", "learner=reinforce", *QUIET, f"home={home}", "training.steps=1"),
        "training.problems_per_step=1",
        *("training.rollouts_per_problem=3", "evaluation.baselines=[cot5_sc]"),
    )
    assert done.code == 0, done.stderr
    counts = {
        "rollouts": 3 + 3 * 4,
        "updates": 1,
        "checkpoints": 2,
        "promotions": 1,
    }
    for table, rows in counts.items():
        assert _query(home, f"SELECT count(*) FROM {table}") == [(rows,)], table
    _is_sound(home)
