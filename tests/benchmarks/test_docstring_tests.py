"""Docstring examples as assertions, in the forms that published prompts use."""

import pytest

from lamas.benchmarks.docstring_tests import public_tests


def prompt(docstring: str, name: str = "f") -> str:
    lines = "\n".join(f"    {line}" for line in docstring.splitlines())
    return f'import math\n\n\ndef {name}(a, b=0):\n    """Does it.\n{lines}\n    """\n'


@pytest.mark.parametrize(
    ("docstring", "tests"),
    [
        (">>> f(1, 2)\n3", ("assert f(1, 2) == 3",)),
        (">>> f([1])\n[2]\n>>> f([])\n[]", ("assert f([1]) == [2]", "assert f([]) == []")),
        (">>> f('a')  # why not\n'b'", ("assert f('a') == 'b'",)),
        (">>> f(1)\n0.5", ("assert abs(f(1) - 0.5) < 1e-06",)),
        (">>> round(f(1), 2)\n0.5", ("assert abs(round(f(1), 2) - 0.5) < 1e-06",)),
        ("f(1) == 2", ("assert f(1) == 2",)),
        ("f(1) => 2", ("assert f(1) == 2",)),
        ("f(1) ==> True", ("assert f(1) == True",)),
        ("f(1) ➞ 2", ("assert f(1) == 2",)),
        ("f(1) -> 'x'", ("assert f(1) == 'x'",)),
        ("f(1) = 2", ("assert f(1) == 2",)),
        ("f(1) => true", ("assert f(1) == True",)),
        ("* f(1, 2) returns 3.", ("assert f(1, 2) == 3",)),
        ("For example f(148) should return 16.", ("assert f(148) == 16",)),
        ("f(1) # returns 'db1'", ("assert f(1) == 'db1'",)),
        ("f((1, 2)) == (2, 1)  # turned", ("assert f((1, 2)) == (2, 1)",)),
        ("f(')') == 1", ("assert f(')') == 1",)),
        ("Input: a = [1, 2], b = 3\nOutput: [3]", ("assert f([1, 2], 3) == [3]",)),
        ("For a = 1000, the output should be '1'.", ("assert f(1000) == '1'",)),
        # nothing certain
        ("f(x) == y", ()),
        ("f(1)", ()),
        ("f(1) is a nice call", ()),
        ("g(1) == 2", ()),
        (">>> g(1)\n2", ()),
        (">>> f(1)\nTraceback (most recent call last):", ()),
        ("", ()),
    ],
)
def test_examples(docstring: str, tests: tuple[str, ...]):
    assert public_tests(prompt(docstring), "f") == tests


def test_examples_of_a_helper_are_not_those_of_the_entry_point():
    helper = prompt(">>> g(1)\n1\nf(2) == 3", "g") + "    return a\n\n\n"
    assert public_tests(helper + prompt(">>> f(1)\n2"), "f") == ("assert f(1) == 2",)


def test_a_prompt_that_does_not_parse_gives_what_can_be_read():
    assert public_tests("def f(a:\n    >>> f(1)\n    2\n", "f") == ("assert f(1) == 2",)
