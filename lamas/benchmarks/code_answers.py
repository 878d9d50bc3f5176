"""How a program is read out of a solution text and joined with the prompt it completes."""

import ast
import re
import textwrap
import warnings

from lamas.domain import Problem

LONGEST_CODE = 50_000
TRIMS = 200
FENCE = re.compile(
    r"^[ \t]*(?:```|~~~)[ \t]*([\w+#.-]*)[^\n]*\n(.*?)(?:^[ \t]*(?:```|~~~)|\Z)",
    re.DOTALL | re.MULTILINE,
)
INLINE_FENCE = re.compile(r"```(?:python|py)?[ \t]*([^`\n]+)```")
PYTHON_NAMES = ("", "python", "py", "python3", "py3", "pycon")
CODE_START = re.compile(r"^(?:def|async def|class|from|import|@)[ \w]", re.MULTILINE)


def program_of(problem: Problem, answer: str) -> str | None:
    """The whole program that an answer to a code problem stands for; None when it holds none.

    Imports and helper functions of the prompt come first. An answer that defines the entry point
    replaces the prompt's; one that does not is taken as the body the prompt asks for. Text that
    cannot be Python (prose around the code, a cut-off end) is dropped, from the end.
    """
    if problem.tests is None:
        return None
    return complete_program(problem.question, problem.tests.entry_point, answer)


def complete_program(prompt: str, entry_point: str, answer: str) -> str | None:
    """See `program_of`."""
    if not answer.strip():
        return None
    blocks = _blocks(answer)
    for position in reversed(range(len(blocks))):
        code = _parsing_prefix(textwrap.dedent(blocks[position]))
        if code is not None and _defines(code, entry_point):
            earlier = [_definitions(block, entry_point) for block in blocks[:position]]
            return _joined([preamble(prompt, entry_point), *earlier, _without_main(code)])
    if not blocks:
        begin = CODE_START.search(answer)
        code = _parsing_prefix(answer[begin.start() :]) if begin else None
        if code is not None and _defines(code, entry_point):
            return _joined([preamble(prompt, entry_point), _without_main(code)])
    return _as_body(prompt, entry_point, blocks[-1] if blocks else answer)


def extract_code(text: str) -> str | None:
    """The Python source in a solution text: the last fenced block that parses, or all of it."""
    blocks = _blocks(text)
    for block in reversed(blocks):
        code = _parsing_prefix(textwrap.dedent(block))
        if code is not None:
            return code
    if blocks:
        return None
    begin = CODE_START.search(text)
    if begin is not None:
        return _parsing_prefix(text[begin.start() :])
    body = text.strip("\n")
    return body if body.strip() and _parse(_wrapped(body)) is not None else None


def canonical_code(text: str) -> str | None:
    """Source without comments, docstrings and formatting, so that equal programs vote together."""
    code = extract_code(text)
    if code is None:
        return None
    tree = _parse(code) or _parse(_wrapped(code))
    if tree is None:
        return None
    try:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
                _drop_docstring(node)
        return ast.unparse(tree).strip() or None
    except RecursionError:
        return None


def preamble(prompt: str, entry_point: str) -> str:
    """What a prompt says before the function to complete: imports and helper functions."""
    tree = _parse(prompt.rstrip() + "\n    pass\n")
    if tree is not None:
        for node in tree.body:
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and node.name == entry_point
            ):
                return "".join(prompt.splitlines(keepends=True)[: _first_line(node) - 1])
    starts = list(
        re.finditer(rf"^(?:async )?def\s+{re.escape(entry_point)}\b", prompt, re.MULTILINE)
    )
    return prompt[: starts[-1].start()] if starts else prompt


def _as_body(prompt: str, entry_point: str, body: str) -> str | None:
    """The prompt continued by the text, as it stands or indented as a function's body."""
    head = prompt.rstrip() + "\n"
    body = body.strip("\n").expandtabs(4)
    indented = textwrap.indent(textwrap.dedent(body), "    ")
    # The last form mends a body whose first line lost its indentation to strip().
    forms = (body, indented) if body.startswith(" ") else (indented, body, "    " + body)
    shortest = len(head.splitlines()) + 1
    kept = [_parsing_prefix(head + form, at_least=shortest) for form in forms]
    programs = [text for text in kept if text is not None and _defines(text, entry_point)]
    # The form of which most is Python is the one that was meant.
    best = max(programs, key=lambda text: text.count("\n"), default=None)
    return None if best is None else _joined([_without_main(best)])


def _blocks(text: str) -> list[str]:
    text = text[:LONGEST_CODE]
    blocks = [
        match[2]
        for match in FENCE.finditer(text)
        if match[1].lower() in PYTHON_NAMES and match[2].strip()
    ]
    return blocks or [match[1] for match in INLINE_FENCE.finditer(text)]


def _parsing_prefix(code: str, at_least: int = 1) -> str | None:
    """The longest run of whole lines from the start that is Python; None below `at_least` lines."""
    lines = code[:LONGEST_CODE].rstrip().splitlines()
    for _ in range(TRIMS):
        if len(lines) < at_least:
            return None
        text = "\n".join(lines) + "\n"
        if _parse(text) is not None:
            return text
        lines = lines[:-1]
        while lines and not lines[-1].strip():
            lines = lines[:-1]
    return None


def _parse(code: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
            # Only the compiler objects to a `return` outside a function.
            compile(tree, "<answer>", "exec", dont_inherit=True)
            return tree
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _wrapped(body: str) -> str:
    return "def _():\n" + textwrap.indent(textwrap.dedent(body), "    ") + "\n"


def _defines(code: str, entry_point: str) -> bool:
    tree = _parse(code)
    return tree is not None and any(
        (isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == entry_point)
        or (
            isinstance(node, ast.Assign)
            and any(isinstance(name, ast.Name) and name.id == entry_point for name in node.targets)
        )
        for node in tree.body
    )


def _definitions(block: str, entry_point: str) -> str:
    """Imports, functions and classes of an earlier block that the answer's program may rely on."""
    tree = _parse(textwrap.dedent(block))
    kept = [
        ast.unparse(node)
        for node in (tree.body if tree is not None else [])
        if isinstance(node, ast.Import | ast.ImportFrom)
        or (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and node.name != entry_point
        )
    ]
    return "\n".join(kept)


def _without_main(code: str) -> str:
    """The program without its `if __name__ == "__main__":` part, which is for another occasion."""
    tree = _parse(code)
    lines = code.splitlines(keepends=True)
    for node in reversed(tree.body if tree is not None else []):
        if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
            del lines[node.lineno - 1 : node.end_lineno]
    return "".join(lines)


def _joined(parts: list[str]) -> str:
    """One program; `from __future__` lines come first, as Python demands."""
    text = "\n\n".join(part.strip("\n") for part in parts if part.strip())
    lines = text.splitlines()
    future = [line for line in lines if line.startswith("from __future__ ")]
    rest = [line for line in lines if not line.startswith("from __future__ ")]
    return "\n".join([*dict.fromkeys(future), *rest]) + "\n"


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _drop_docstring(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module,
) -> None:
    if (
        node.body
        and isinstance(node.body[0], ast.Expr)
        and isinstance(node.body[0].value, ast.Constant)
        and isinstance(node.body[0].value.value, str)
    ):
        node.body = node.body[1:] or [ast.Pass()]
