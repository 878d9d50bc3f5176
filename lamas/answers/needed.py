"""Which statements of a program its entry point needs; the rest is usage, tests and input."""

import ast
import symtable
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lamas.answers.python_source import Source, statement_lines

TALKS = frozenset({"print", "input", "breakpoint", "help"})
TALKING_ATTRIBUTES = frozenset({"stdin", "stdout", "stderr", "testmod", "run_docstring_examples"})
TEST_RUNNERS = frozenset({"unittest", "pytest", "doctest"})
ENDS = frozenset({"exit", "quit", "_exit"})
LOOKS_UP_NAMES = frozenset({"eval", "exec", "globals", "locals", "vars", "__import__", "getattr"})
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Import = ast.Import | ast.ImportFrom


@dataclass(slots=True)
class _Module:
    """The statements of a module and what is known of them."""

    entry_point: str
    body: Sequence[ast.stmt]
    scopes: Sequence[symtable.SymbolTable]
    """Of the functions, classes, lambdas and comprehensions, in order."""
    imported: set[str] = field(default_factory=set[str])
    defined: dict[str, ast.stmt] = field(default_factory=dict[str, ast.stmt])
    variables: set[str] = field(default_factory=set[str])
    needed: set[str] = field(default_factory=set[str])
    first_line: int = 0
    """Line of the entry point's last definition."""


def only_needed(source: Source, entry_point: str) -> str:
    """The program without the statements that its entry point does not need.

    Kept are, to any depth, the definitions, imports and variables it mentions, statements that
    fill those variables, and settings of an imported module (`sys.setrecursionlimit(…)`). Printing,
    reading input, assertions and calls of the entry point go. The text of what stays is unchanged.
    """
    module = _known(source, entry_point)
    kept: set[int] = set()
    changed = True
    while changed:
        changed = False
        for number, statement in enumerate(module.body):
            if number not in kept and _is_needed(statement, module):
                kept.add(number)
                mentioned = _mentioned(statement, module)
                if mentioned & LOOKS_UP_NAMES:
                    mentioned |= set(module.defined) | module.imported | module.variables
                module.needed |= mentioned
                changed = True
    return _text_of(source, [number in kept for number in range(len(module.body))])


def _known(source: Source, entry_point: str) -> _Module:
    body = source.tree.body
    scopes = symtable.symtable(source.text, "<answer>", "exec").get_children()
    module = _Module(entry_point, body, scopes, needed={entry_point})
    for statement in body:
        if isinstance(statement, Import):
            module.imported |= _bound(statement)
        elif isinstance(statement, Definition):
            module.defined[statement.name] = statement
        else:
            module.variables |= _bound(statement)
        if entry_point in _bound(statement):
            module.first_line = statement.lineno
    return module


def _is_needed(statement: ast.stmt, module: _Module) -> bool:
    bound = _bound(statement)
    if isinstance(statement, Import):
        is_future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
        return is_future or "*" in bound or bool(bound & module.needed)
    if _is_main_part(statement) or isinstance(statement, ast.Assert):
        return False
    if bound & module.needed:
        return True
    if isinstance(statement, Definition):
        return False
    if isinstance(statement, ast.Raise):
        return statement.lineno < module.first_line
    mentioned = _mentioned(statement, module)
    if isinstance(statement, ast.Assign | ast.AugAssign) and not mentioned & TALKS:
        return bool(_changed(statement) & module.needed)
    if mentioned & TALKS or module.entry_point in mentioned or _talks(statement):
        return False
    if any(_ends(node) for node in ast.walk(statement)):
        return statement.lineno < module.first_line
    if mentioned & module.needed & module.variables or _changed(statement) & module.needed:
        return True
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return False
    called = _root(statement.value.func)
    if called in module.defined:
        inside = _mentioned(module.defined[called], module)
        return bool(inside & module.needed & module.variables) and not inside & TALKS
    others = mentioned & (set(module.defined) | module.variables)
    return called in module.imported and called not in TEST_RUNNERS and not others - module.needed


def _bound(statement: ast.stmt) -> set[str]:
    """The names a statement of a module binds in it."""
    if isinstance(statement, Definition):
        return {statement.name}
    if isinstance(statement, Import):
        return {alias.asname or alias.name.partition(".")[0] for alias in statement.names}
    names: set[str] = set()
    for node in _outside_definitions(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, Definition | Import) and node is not statement:
            names |= _bound(node)
    return names


def _outside_definitions(statement: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a statement that run in the module itself, not in a scope of their own."""
    pending: list[ast.AST] = [statement]
    while pending:
        node = pending.pop()
        yield node
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                returned = [node.returns] if node.returns else []
                pending.extend([*node.decorator_list, node.args, *returned])
            case ast.ClassDef():
                pending.extend([*node.decorator_list, *node.bases, *node.keywords])
            case ast.Lambda():
                pending.append(node.args)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                pending.append(node.generators[0].iter)
            case _:
                pending.extend(ast.iter_child_nodes(node))


def _changed(statement: ast.stmt) -> set[str]:
    """Names of which a statement sets an item or an attribute: `f.cache = {}`."""
    return {
        root
        for node in ast.walk(statement)
        if isinstance(node, ast.Attribute | ast.Subscript)
        and isinstance(node.ctx, ast.Store | ast.Del)
        and (root := _root(node))
    }


def _mentioned(statement: ast.stmt, module: _Module) -> set[str]:
    """The module's names a statement uses, itself or in the functions and classes it defines."""
    names = {node.id for node in _outside_definitions(statement) if isinstance(node, ast.Name)}
    lines = statement_lines(statement)
    for scope in module.scopes:
        if scope.get_lineno() - 1 in lines:
            names |= _global_names(scope)
    for node in ast.walk(statement):
        # An annotation may be written in quotes.
        quoted = node.annotation if isinstance(node, ast.arg | ast.AnnAssign) else None
        if isinstance(quoted, ast.Constant) and isinstance(quoted.value, str):
            names.update(quoted.value.replace("[", " ").replace("]", " ").split())
    return names


def _global_names(scope: symtable.SymbolTable) -> set[str]:
    names = {symbol.get_name() for symbol in scope.get_symbols() if symbol.is_global()}
    return names.union(*(_global_names(child) for child in scope.get_children()))


def _talks(statement: ast.stmt) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr in TALKING_ATTRIBUTES
        for node in ast.walk(statement)
    )


def _ends(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    return (isinstance(called, ast.Name) and called.id in ENDS) or (
        isinstance(called, ast.Attribute) and called.attr in ENDS
    )


def _is_main_part(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and any(
        isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(statement.test)
    )


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _text_of(source: Source, keeps: Sequence[bool]) -> str:
    body = source.tree.body
    lines = source.text.splitlines(keepends=True)
    spans = [statement_lines(statement) for statement in body]
    staying = {line for span, keep in zip(spans, keeps, strict=True) if keep for line in span}
    leaving = {line for span, keep in zip(spans, keeps, strict=True) if not keep for line in span}
    if staying & leaving:
        # Statements share a line: `n = 3; print(n)`.
        kept = [statement for statement, keep in zip(body, keeps, strict=True) if keep]
        return ast.unparse(ast.Module(body=kept, type_ignores=[])) + "\n"
    return "".join(line for number, line in enumerate(lines) if number not in leaving)
