"""Python programs a simulated model writes: right, wrong, and ones that raise."""

import ast
import re
from collections.abc import Sequence

RETURNED = re.compile(r"^    answer = (.+)$", re.MULTILINE)
"""The line of a `solve()` program that holds the value it returns."""
RAISING = "undefined_total"
"""A name that no program defines; a `solve()` that uses it ends in NameError."""

_SLIPS = ("_rounded", "_trimmed", "_shifted", "_checked")
"""Helper functions that mark wrong programs, one for each kind of mistake."""

HIDDEN_BUG = 1
"""The kind of mistake (from 0) that shows only on inputs other than the public tests' ones."""
KINDS_OF_BUG = len(_SLIPS)
_TELLING_CHARACTERS = 12

_OFF_BY_ONE = """
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float, complex)):
        return value + 1
    if isinstance(value, str):
        return value[:-1] if value else "?"
    if isinstance(value, (list, tuple)):
        return value[:-1] if value else type(value)([0])
    return None if value is not None else 0
"""
_RAISE = """
    raise IndexError("list index out of range")
"""
_NOTHING = """
    return None if value is not None else 0
"""
_BODIES = (_OFF_BY_ONE, _OFF_BY_ONE, _NOTHING, _RAISE)


def solve_program(answer: str, raises: bool) -> str:
    """A program whose `solve()` returns `answer` (as a number if it is one), or raises."""
    literal = answer if _is_number(answer) else repr(answer)
    returned = f"answer + {RAISING}" if raises else "answer"
    return f"def solve():\n    answer = {literal}\n    return {returned}\n"


def answer_of_program(text: str) -> str | None:
    """The value a shown `solve_program` returns, None if there is none or it raises."""
    if RAISING in text:
        return None
    lines = RETURNED.findall(text)
    if not lines:
        return None
    try:
        value: object = ast.literal_eval(lines[-1])
    except (SyntaxError, ValueError):
        return None
    return value if isinstance(value, str) else lines[-1]


def canonical_program(question: str, reference: str, entry_point: str) -> str:
    """A complete right program: the reference, or question plus reference when that is a body.

    Falls back to the reference as it is when neither compiles and defines the entry point.
    """
    for source in (reference, f"{question.rstrip()}\n{reference}"):
        if _defines(source, entry_point):
            return source.strip("\n") + "\n"
    return reference.strip("\n") + "\n"


def wrong_program(canonical: str, entry_point: str, kind: int, examples: Sequence[str]) -> str:
    """The canonical program with one mistake.

    `kind` is 0..KINDS_OF_BUG−1; HIDDEN_BUG gives right results for `examples` (sources of argument
    tuples) and wrong ones elsewhere.
    """
    slip = _SLIPS[kind]
    attempt = re.sub(rf"\b{re.escape(entry_point)}\b", "attempt", canonical)
    if not _defines(attempt, "attempt"):
        return (
            f"def {slip}(value):{_BODIES[kind]}\n\ndef {entry_point}(*inputs):\n    return None\n"
        )
    keep = ""
    if kind == HIDDEN_BUG and examples:
        known = ", ".join(examples)
        keep = f"    if inputs in [{known}]:\n        return attempt(*inputs)\n"
    return (
        f"{attempt}\n\ndef {slip}(value):{_BODIES[kind]}\n\n"
        f"def {entry_point}(*inputs):\n{keep}    return {slip}(attempt(*inputs))\n"
    )


def bug_in(text: str) -> int | None:
    """The kind of mistake of the last wrong program in a text, None if it shows none."""
    last = max(((text.rfind(f"{slip}("), kind) for kind, slip in enumerate(_SLIPS)))
    return last[1] if last[0] >= 0 else None


def fingerprint(canonical: str, question: str) -> str:
    """A line that shows the right program: its last telling one that the question lacks."""
    lines = [line.strip() for line in canonical.splitlines()]
    own = [line for line in lines if line and line not in question]
    telling = [line for line in own if len(line) >= _TELLING_CHARACTERS]
    return telling[-1] if telling else max(own, key=len, default="")


def example_arguments(public_tests: Sequence[str], entry_point: str) -> tuple[str, ...]:
    """Sources of the argument tuples with which public tests call the entry point."""
    found: list[str] = []
    for statement in public_tests:
        try:
            tree = ast.parse(statement.strip())
        except (SyntaxError, ValueError):
            continue
        found.extend(
            f"({''.join(ast.unparse(argument) + ', ' for argument in node.args)})"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in (entry_point, "candidate")
            and not node.keywords
        )
    return tuple(dict.fromkeys(found))


def _defines(source: str, name: str) -> bool:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
        for node in tree.body
    )


def _is_number(answer: str) -> bool:
    # The literal must print as it is written: 007 and 1e3 would not.
    try:
        return str(ast.literal_eval(answer)) == answer and answer.lstrip("-")[:1].isdigit()
    except (SyntaxError, ValueError, MemoryError):
        return False
