"""The program that is run for an answer: what its entry point needs, whatever stands around it."""

import contextlib
import io

import pytest

from lamas.answers.reading import read_program

PROMPT = 'def twice(n):\n    """Twice n."""\n'
RIGHT = "def twice(n):\n    return 2 * n\n"
RUNS = {
    "input and print below": RIGHT + "\nn = int(input())\nprint(twice(n))\n",
    "input above": "n = int(input())\n" + RIGHT + "print(twice(n))\n",
    "two statements on a line": RIGHT + "n = int(input()); print(twice(n))\n",
    "a wrong assertion": RIGHT + "\nassert twice(2) == 5\n",
    "a main function": RIGHT + "\ndef main():\n    print(twice(int(input())))\n\nmain()\n",
    "unit tests": "import unittest\n" + RIGHT + "class T(unittest.TestCase):\n"
    "    def test(self):\n        assert twice(1) == 3\nunittest.main()\n",
    "a loop over standard input": "import sys\n" + RIGHT
    + "for line in sys.stdin:\n    sys.stdout.write(str(twice(int(line))))\n",
    "a module that is not there": "import not_installed_anywhere\n" + RIGHT,
    "a table it fills": "table = []\nfor i in range(9):\n    table.append(2 * i)\n"
    "def twice(n):\n    return table[n]\nprint(table, twice(int(input())))\n",
    "a table a function fills": "T = {}\ndef fill():\n    for i in range(9):\n"
    "        T[i] = 2 * i\nfill()\ndef twice(n):\n    return T[n]\n",
    "a recursion limit": "import sys\nsys.setrecursionlimit(5000)\n" + RIGHT,
    "a decorated helper": "from functools import cache\n@cache\ndef h(n):\n    return n\n"
    "def twice(n):\n    return h(n) + h(n)\n",
    "an attribute of the function": "def twice(n):\n    return n * twice.k\ntwice.k = 2\n",
    "a global it counts in": "calls = 0\ndef twice(n):\n    global calls\n    calls += 1\n"
    "    return 2 * n\n",
    "names in a string": "def double(n):\n    return 2 * n\n"
    "def twice(n):\n    return eval('double')(n)\n",
    "a method of Solution": "class Solution:\n    def twice(self, n):\n        return self.h(n)\n"
    "    def h(self, n):\n        return 2 * n\n",
    "a static method": "class Solution:\n    @staticmethod\n    def twice(n):\n"
    "        return 2 * n\nprint(Solution().twice(int(input())))\n",
    "a method without self": "class Any:\n    def twice(n):\n        return 2 * n\n",
    "a class with defaults": "class Solution:\n    def __init__(self, k=2):\n        self.k = k\n"
    "    def twice(self, n):\n        return self.k * n\n",
    "prose that begins like code": "from the text we see that it doubles.\n\n" + RIGHT,
    "a long hexadecimal literal": "def twice(n):\n    return 2 * n if n != 0x" + "f" * 3600
    + " else 0\n",
    "thoughts with another program": "<think>```python\ndef twice(n):\n    return 3\n```</think>\n"
    + RIGHT,
}  # fmt: skip


@pytest.mark.parametrize("fenced", [False, True])
@pytest.mark.parametrize("name", RUNS)
def test_a_right_function_passes_whatever_stands_around_it(name: str, fenced: bool) -> None:
    answer = RUNS[name]
    if fenced and "`" not in answer and not answer.startswith("from the"):
        answer = f"Here it is:\n```python\n{answer}```\nIt doubles."
    read = read_program(answer, PROMPT, "twice")
    assert read.program is not None, read
    names: dict[str, object] = {"__name__": "answer"}
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(read.program, names)
        twice = names["twice"]
        assert callable(twice)
        assert [twice(n) for n in range(4)] == [0, 2, 4, 6]
    assert out.getvalue() == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    "answer",
    [
        "class Solution:\n    def __init__(self, k):\n        pass\n    def twice(self, n):\n"
        "        return 2 * n\n",
        "<think>def twice(n): return 2 * n",
        "I would double it.",
        "((((" * 2000,
        "@a\n" * 2000,
        "",
    ],
)
def test_what_holds_no_program_says_why(answer: str) -> None:
    read = read_program(answer, PROMPT, "twice")
    assert read.program is None
    assert read.place


def test_what_the_program_is_meant_to_raise_stays() -> None:
    read = read_program("raise ValueError(1)\n" + RIGHT, PROMPT, "twice")
    assert "raise ValueError(1)" in (read.program or "")
