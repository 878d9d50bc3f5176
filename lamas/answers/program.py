"""How a program is read out of a solution text and joined with the prompt it completes."""

import ast
import re
import textwrap
from collections.abc import Iterator

from lamas.answers.needed import only_needed
from lamas.answers.python_source import (
    LONGEST_CODE,
    ParseBudget,
    Source,
    parsed,
    parsing_prefix,
    python_blocks,
    statement_text,
    wrapped,
)

MOST_STARTS = 8
NO_PROGRAM = "no program in the answer"
OUT_OF_REACH = "no program: a method of that name, in a class that cannot be made without arguments"
CODE_START = re.compile(r"^(?:def|async def|class|from|import|@)[ \w]", re.MULTILINE)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def complete_program(prompt: str, entry_point: str, answer: str) -> tuple[str | None, str]:
    """(the program that an answer stands for, how it was found); (None, why) without one.

    Imports and helper functions of the prompt come first. An answer that defines the entry point
    replaces the prompt's, a method of that name is called through an instance of its class; an
    answer that does neither is taken as the body the prompt asks for. Text that cannot be Python
    (prose around the code, a cut-off end) is dropped, from the end, and so are statements that the
    entry point does not need.
    """
    if not answer.strip():
        return None, NO_PROGRAM
    answer = answer[:LONGEST_CODE]
    budget = ParseBudget()
    blocks = python_blocks(answer)
    sources = [parsing_prefix(textwrap.dedent(block), budget) for block in blocks]
    for position in reversed(range(len(blocks))):
        source = sources[position]
        if source is not None and _is_out_of_reach(source, entry_point):
            return None, OUT_OF_REACH
        if source is None or _defining(source, entry_point) is None:
            continue
        earlier = [_definitions(block, entry_point) for block in sources[:position]]
        whole = parsed(_joined([*earlier, source.text])) or source
        program = _defining(whole, entry_point) or ""
        return _joined([preamble(prompt, entry_point), program]), "the last block that defines it"
    if not blocks:
        for source in _unfenced(answer, budget):
            if _is_out_of_reach(source, entry_point):
                return None, OUT_OF_REACH
            program = _defining(source, entry_point)
            if program is not None:
                return _joined([preamble(prompt, entry_point), program]), "code without a fence"
    body = _as_body(prompt, entry_point, blocks[-1] if blocks else answer, budget)
    return (None, NO_PROGRAM) if body is None else (body, "the body that the prompt asks for")


def fenced_program(text: str, needle: str) -> str | None:
    """The last fenced Python block that holds `needle`, as it stands; None without one."""
    blocks = [block.strip("\n") for block in python_blocks(text) if needle in block]
    return blocks[-1] if blocks else None


def canonical_code(text: str) -> str | None:
    """Source without comments, docstrings and formatting, so that equal programs vote together."""
    source = _source_in(text)
    if source is None:
        return None
    tree = source.tree
    try:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
                _drop_docstring(node)
        return ast.unparse(tree).strip() or None
    except (RecursionError, ValueError):
        # Too deep to be written again, or an integer too long for decimal digits.
        return re.sub(r"\n\s*\n+", "\n", source.text).strip() or None


def preamble(prompt: str, entry_point: str) -> str:
    """What a prompt says before the function to complete: imports and helper functions."""
    source = parsed(prompt.rstrip() + "\n    pass\n")
    for node in source.tree.body if source is not None else []:
        if isinstance(node, Function) and node.name == entry_point:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            return "".join(prompt.splitlines(keepends=True)[: first - 1])
    starts = list(
        re.finditer(rf"^(?:async )?def\s+{re.escape(entry_point)}\b", prompt, re.MULTILINE)
    )
    return prompt[: starts[-1].start()] if starts else prompt


def _unfenced(text: str, budget: ParseBudget) -> Iterator[Source]:
    """The Python from the start of a text, and from each line that looks like code."""
    starts = [0, *(begin.start() for begin in CODE_START.finditer(text))]
    for start in list(dict.fromkeys(starts))[:MOST_STARTS]:
        source = parsing_prefix(text[start:], budget)
        if source is not None:
            yield source


def _source_in(text: str) -> Source | None:
    text = text[:LONGEST_CODE]
    budget = ParseBudget()
    blocks = python_blocks(text)
    for block in reversed(blocks):
        source = parsing_prefix(textwrap.dedent(block), budget)
        if source is not None:
            return source
    if blocks:
        return None
    for begin in list(CODE_START.finditer(text))[:MOST_STARTS]:
        source = parsing_prefix(text[begin.start() :], budget)
        if source is not None:
            return source
    body = text.strip("\n")
    # The body of a function stands for itself, but only as one can it be parsed.
    return parsed(wrapped(body)) if body.strip() else None


def _as_body(prompt: str, entry_point: str, body: str, budget: ParseBudget) -> str | None:
    """The prompt continued by the text, as it stands or indented as a function's body."""
    head = prompt.rstrip() + "\n"
    body = body.strip("\n").expandtabs(4)
    indented = textwrap.indent(textwrap.dedent(body), "    ")
    # The last form mends a body whose first line lost its indentation to strip().
    forms = (body, indented) if body.startswith(" ") else (indented, body, "    " + body)
    shortest = len(head.splitlines()) + 1
    sources = [parsing_prefix(head + form, budget, shortest) for form in forms]
    programs = [source for source in sources if source and _is_defined(source, entry_point)]
    # The form of which most is Python is the one that was meant.
    best = max(programs, key=lambda source: source.text.count("\n"), default=None)
    return None if best is None else _joined([_pruned(best, prompt, entry_point)])


def _pruned(source: Source, prompt: str, entry_point: str) -> str:
    """The continued prompt without what follows the function; the prompt's own part stays."""
    kept = preamble(prompt, entry_point)
    rest = parsed(source.text[len(kept) :]) if source.text.startswith(kept) else None
    if rest is None or not _is_defined(rest, entry_point):
        return only_needed(source, entry_point)
    return kept + only_needed(rest, entry_point)


def _defining(source: Source | None, entry_point: str) -> str | None:
    """What of a source the entry point needs; None when it does not define it."""
    if source is None:
        return None
    if _is_defined(source, entry_point):
        return only_needed(source, entry_point)
    call = _call_of_method(source, entry_point)
    if call is None:
        return None
    adapter = f"\n\ndef {entry_point}(*args, **kwargs):\n    return {call}(*args, **kwargs)\n"
    adapted = parsed(source.text + adapter)
    return None if adapted is None else only_needed(adapted, entry_point)


def _is_defined(source: Source, entry_point: str) -> bool:
    return any(
        (isinstance(node, Function) and node.name == entry_point)
        or (
            isinstance(node, ast.Assign)
            and any(isinstance(name, ast.Name) and name.id == entry_point for name in node.targets)
        )
        for node in source.tree.body
    )


def _call_of_method(source: Source, entry_point: str) -> str | None:
    """How a method of that name is reached: LeetCode's `class Solution`; None without one."""
    reached: dict[str, str] = {}
    for node, method, init in _methods(source, entry_point):
        takes = [argument.arg for argument in [*method.args.posonlyargs, *method.args.args]]
        has_self = takes[:1] in (["self"], ["cls"]) or bool(method.decorator_list)
        if not (has_self and _required(init)):
            owner = f"{node.name}()" if has_self else node.name
            reached[node.name] = f"{owner}.{entry_point}"
    return reached.get("Solution") or next(reversed(reached.values()), None)


def _is_out_of_reach(source: Source, entry_point: str) -> bool:
    """Whether only a method of that name is defined, in a class that wants arguments."""
    return (
        not _is_defined(source, entry_point)
        and bool(_methods(source, entry_point))
        and _call_of_method(source, entry_point) is None
    )


def _methods(
    source: Source, entry_point: str
) -> list[tuple[ast.ClassDef, Function, Function | None]]:
    """The classes with a method of that name, the method, and the initialiser."""
    found: list[tuple[ast.ClassDef, Function, Function | None]] = []
    for node in source.tree.body:
        if isinstance(node, ast.ClassDef):
            methods = {item.name: item for item in node.body if isinstance(item, Function)}
            if entry_point in methods:
                found.append((node, methods[entry_point], methods.get("__init__")))
    return found


def _required(init: Function | None) -> int:
    """How many arguments an initialiser insists on, besides the instance."""
    if init is None:
        return 0
    arguments = init.args
    positional = len(arguments.posonlyargs) + len(arguments.args) - 1 - len(arguments.defaults)
    return positional + sum(default is None for default in arguments.kw_defaults)


def _definitions(source: Source | None, entry_point: str) -> str:
    """What an earlier block imports, defines and assigns, but for the entry point itself."""
    kinds = ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign | Function | ast.ClassDef
    statements = source.tree.body if source is not None else []
    return "\n".join(
        statement_text(source, node)
        for node in statements
        if source is not None
        and isinstance(node, kinds)
        and getattr(node, "name", "") != entry_point
    )


def _joined(parts: list[str]) -> str:
    """One program; `from __future__` lines come first, as Python demands."""
    text = "\n\n".join(part.strip("\n") for part in parts if part.strip())
    lines = text.splitlines()
    future = [line for line in lines if line.startswith("from __future__ ")]
    rest = [line for line in lines if not line.startswith("from __future__ ")]
    return "\n".join([*dict.fromkeys(future), *rest]) + "\n"


def _drop_docstring(node: Function | ast.ClassDef | ast.Module) -> None:
    if (
        node.body
        and isinstance(node.body[0], ast.Expr)
        and isinstance(node.body[0].value, ast.Constant)
        and isinstance(node.body[0].value.value, str)
    ):
        node.body = node.body[1:] or [ast.Pass()]
