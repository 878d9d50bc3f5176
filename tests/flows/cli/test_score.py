"""`lamas score`: every form, what it prints, and what it never loads."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from flows.cli.main import run


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the command prints; it must succeed."""
    assert run(["score", *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "verdict"),
    [
        (["benchmark=gsm8k", "reference=18", "answer=9 * 2 = 18"], "right"),
        (["benchmark=gsm8k", "reference=so it is\n#### 18", "answer=#### 17"], "wrong"),
        (["benchmark=gsm8k", "reference=18", "answer=<think>18"], "no answer"),
        (["benchmark=math", r"reference=\frac12", r"answer=\boxed{0.5}"], "right"),
        (["benchmark=generated", "reference=Paris", "answer=The answer is Paris."], "right"),
        (
            ["benchmark=file", "benchmark.scorer=choice", "choices=4", "reference=B", "answer=(E)"],
            "no answer",
        ),
        (["benchmark=file", "benchmark.scorer=squad", "reference=a x", "answer=The x"], "right"),
        (["operator=ScEnsemble", "candidates=3", "answer=A is wrong. B"], "read"),
        (["operator=ScEnsemble", "candidates=3", "answer=none"], "no candidate"),
        (["benchmark=humaneval", "reference=f", "answer=def f(): return 1"], "read"),
        (["benchmark=humaneval", "reference=def f(x):\n", "answer=I cannot"], "no program"),
    ],
)
def test_one_answer(
    capsys: pytest.CaptureFixture[str], arguments: Sequence[str], verdict: str
) -> None:
    assert said(capsys, *arguments).startswith(f"verdict    {verdict}\n")


def test_it_says_what_was_read_where_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "benchmark=gsm8k", "reference=18", "answer=16 or 17 eggs")
    assert text.splitlines() == [
        "verdict    wrong",
        "read from  the last number",
        "why        not 18",
        "extracted  17",
    ]


def test_a_program_is_shown_as_it_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    answer = "```python\ndef f(x):\n    return x\nprint(f(int(input())))\n```"
    text = said(capsys, "benchmark=humaneval", "reference=def f(x):\n", f"answer={answer}")
    assert text.endswith("\n\ndef f(x):\n    return x\n")


def test_pairs_are_judged_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = [{"reference": str(n), "answer": f"The answer is {n // 2 * 2}."} for n in range(6)]
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    lines = said(capsys, "benchmark=gsm8k", f"pairs={path}").splitlines()
    assert [line.split()[1] for line in lines[:-1]] == ["right", "wrong"] * 3
    assert lines[-1] == "6 answers: 3 right, 3 wrong"
    only = said(capsys, "benchmark=gsm8k", f"pairs={path}", "--wrong").splitlines()
    assert [line.split()[0] for line in only[:-1]] == ["2", "4", "6"]
    told = said(capsys, "benchmark=gsm8k", f"pairs={path}", "--format", "json").splitlines()
    assert [json.loads(line)["verdict"] for line in told] == ["right", "wrong"] * 3


def test_a_file_may_hold_the_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "reply.txt").write_text("It is\n#### 18\n")
    given = f"answer=@{tmp_path / 'reply.txt'}"
    assert "right" in said(capsys, "benchmark=gsm8k", "reference=18", given)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["benchmark=gsm8k", "answer=1"], "reference=… is missing"),
        (["benchmark=nothing", "reference=1", "answer=1"], "benchmark=nothing is unknown"),
        (["what?"], "is not understood"),
        (["operator=Generate", "answer=A"], "ScEnsemble does"),
        (["operator=ScEnsemble", "candidates=many", "answer=A"], "no number from 1 to 999"),
        (["benchmark=gsm8k", "reference=1", "answer=@/nowhere"], "cannot be read"),
        (["benchmark=gsm8k", "pairs=/nowhere.jsonl"], "does not exist"),
        (["benchmark=humaneval", "reference=1 + 1", "answer=x"], "begins no function"),
    ],
)
def test_what_is_missing_is_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: Sequence[str], sentence: str
) -> None:
    assert run(["score", *arguments]) in (1, 2)
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


@pytest.mark.slow
def test_nothing_heavy_is_loaded() -> None:
    program = (
        "import sys; import lamas.benchmarks.explain, lamas.benchmarks.source;"
        "print(sorted({'torch', 'openai', 'duckdb', 'prefect', 'sympy'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"
