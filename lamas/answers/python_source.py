"""Python source with its tree, and the longest part of a text that is Python, in bounded time."""

import ast
import re
import textwrap
import warnings
from dataclasses import dataclass

LONGEST_CODE = 50_000
MOST_PARSES = 60
MOST_PARSED_CHARACTERS = 600_000
PYTHON_NAMES = ("", "python", "py", "python3", "py3", "pycon")
FENCE_LINE = re.compile(r"[ \t>]*(?:`{3,}|~{3,})[ \t]*([\w+#.-]*)")
INLINE_FENCE = re.compile(r"```(?:python|py)?[ \t]*([^`\n]+)```")


@dataclass(frozen=True, slots=True)
class Source:
    """A text that is Python."""

    text: str
    tree: ast.Module


def parsed(code: str) -> Source | None:
    """None for what Python would not run; bounded by LONGEST_CODE characters."""
    try:
        return _compiled(code) if len(code) <= LONGEST_CODE else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@dataclass(slots=True)
class ParseBudget:
    """How much may still be parsed to read one answer."""

    characters: int = MOST_PARSED_CHARACTERS


def parsing_prefix(code: str, budget: ParseBudget, at_least: int = 1) -> Source | None:
    """The longest run of whole lines from the start that is Python; None below `at_least` lines.

    A syntax error ends any longer prefix in its own line, so few parses are needed; a text that
    needs more than MOST_PARSES of them, or more than the budget, holds no program.
    """
    lines = code[:LONGEST_CODE].rstrip().splitlines()
    for _ in range(MOST_PARSES):
        while lines and not lines[-1].strip():
            lines.pop()
        text = "\n".join(lines) + "\n"
        budget.characters -= len(text)
        if len(lines) < at_least or not lines or budget.characters < 0:
            return None
        try:
            return _compiled(text)
        except SyntaxError as error:
            last = min((error.lineno or len(lines)) - 1, len(lines) - 1)
            del lines[max(0, last) :]
        except (ValueError, RecursionError, MemoryError):
            return None
    return None


def python_blocks(text: str) -> list[str]:
    """The bodies of the fenced Python blocks of a text, in order; an unclosed one runs to its end.

    Linear: every line is looked at once, whatever number of fences it holds.
    """
    blocks: list[str] = []
    body: list[str] | None = None
    language = ""
    text = text[:LONGEST_CODE]
    for line in [*text.splitlines(keepends=True), None]:
        fence = FENCE_LINE.match(line) if line is not None else None
        if line is not None and fence is None:
            if body is not None:
                body.append(line)
            continue
        if body is not None and language in PYTHON_NAMES and "".join(body).strip():
            blocks.append("".join(body))
        # A fence that names a language opens a block even where one was left open.
        opens = fence is not None and (body is None or bool(fence[1]))
        body = [] if opens else None
        language = fence[1].lower() if fence is not None else ""
    return blocks or [match[1] for match in INLINE_FENCE.finditer(text)]


def statement_lines(statement: ast.stmt) -> range:
    """The lines of a statement, from 0, its decorators included."""
    defines = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    decorators = statement.decorator_list if defines else []
    first = min([statement.lineno, *(decorator.lineno for decorator in decorators)])
    return range(first - 1, statement.end_lineno or first)


def statement_text(source: Source, statement: ast.stmt) -> str:
    """The lines of a statement as they are written."""
    lines = source.text.splitlines()
    return "\n".join(lines[number] for number in statement_lines(statement))


def wrapped(body: str) -> str:
    """A function's body as the body of a function."""
    return "def _():\n" + textwrap.indent(textwrap.dedent(body), "    ") + "\n"


def _compiled(code: str) -> Source:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(code)
        # Only the compiler objects to a `return` outside a function.
        compile(tree, "<answer>", "exec", dont_inherit=True)
    return Source(code, tree)
