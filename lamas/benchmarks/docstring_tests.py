"""How the examples in a function's docstring become assertions that an operator may run."""

import ast
import re
import warnings

MOST_TESTS = 12
FLOAT_TOLERANCE = 1e-6
DOCTEST = re.compile(
    r"^[ \t]*>>>[ \t]*(?P<call>.+?)[ \t]*\n[ \t]*(?P<want>[^>\s].*)$", re.MULTILINE
)
ARROW = re.compile(
    r"^\s*(?:#\s*)?(?:=+>|==+|➞|➝|→|⇒|->|-->|=|:"
    r"|(?:should\s+)?(?:returns?|equals?|is|gives?|be|outputs?)(?:\s+(?:equal\s+to|be|the\s+output))?)"
    r"\s*:?\s*(?P<want>\S.*)$",
    re.IGNORECASE,
)
INPUT = re.compile(
    r"^[ \t]*Input:[ \t]*(?P<given>\S.*)\n[ \t]*Output:[ \t]*(?P<want>\S.*)$", re.MULTILINE
)
FOR = re.compile(
    r"^[ \t]*For (?P<given>\w+ ?=.+?),?\s+the (?:output|result) should be:? (?P<want>\S.*)$",
    re.MULTILINE | re.IGNORECASE,
)
SPOKEN = {"true": "True", "false": "False", "null": "None", "none": "None"}
WANT_ENDS = re.compile(r"\s#|\s{2,}|\s\(|\s(?:because|since|as|and|for|where|but)\s|[.;,](?=\s|$)")
KNOWN_NAMES = frozenset(
    {"set", "list", "tuple", "dict", "float", "int", "str", "frozenset", "range", "round", "sorted"}
)


def public_tests(prompt: str, entry_point: str) -> tuple[str, ...]:
    """Assertions for the docstring examples of `entry_point` in a prompt.

    Understood are doctest examples and calls followed on the same line by `==`, `=>`, `➞`, `->`,
    `=` or words like "returns", and `Input: … Output: …`; whatever is not clearly a call with a
    literal result is left out.
    """
    docstring = _docstring(prompt, entry_point)
    found: dict[str, None] = {}
    pairs = (
        *_doctests(docstring),
        *_inline(docstring, entry_point),
        *_described(docstring, entry_point),
    )
    for call, want in pairs:
        assertion = _assertion(call, want, entry_point)
        if assertion is not None:
            found[assertion] = None
    return tuple(found)[:MOST_TESTS]


def _docstring(prompt: str, entry_point: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(prompt.rstrip() + "\n    pass\n")
    except SyntaxError:
        return prompt
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == entry_point:
            return ast.get_docstring(node) or ""
    return ""


def _doctests(docstring: str) -> list[tuple[str, str]]:
    return [(match["call"], match["want"]) for match in DOCTEST.finditer(docstring)]


def _inline(docstring: str, entry_point: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    lines = docstring.splitlines()
    for number, line in enumerate(lines):
        for begin in re.finditer(rf"(?<![\w.]){re.escape(entry_point)}\(", line):
            call = _call(line[begin.start() :])
            if call is None:
                continue
            rest = line[begin.start() + len(call) :]
            if not rest.strip() and number + 1 < len(lines):
                rest = lines[number + 1]
            arrow = ARROW.match(rest.lstrip("`'\""))
            if arrow:
                pairs.append((call, arrow["want"]))
    return pairs


def _described(docstring: str, entry_point: str) -> list[tuple[str, str]]:
    """Examples that name arguments only: `Input: a = [1], k = 2`, `For lst = [1] the output`."""
    pairs: list[tuple[str, str]] = []
    for match in (*INPUT.finditer(docstring), *FOR.finditer(docstring)):
        given = _expression(f"{entry_point}({match['given']})")
        if isinstance(given, ast.Call):
            values = [*given.args, *(keyword.value for keyword in given.keywords)]
            call = f"{entry_point}({', '.join(ast.unparse(value) for value in values)})"
            pairs.append((call, match["want"]))
    return pairs


def _call(text: str) -> str | None:
    """The shortest start of a text that is one whole call."""
    for end in (match.end() for match in re.finditer(r"\)", text)):
        if isinstance(_expression(text[:end]), ast.Call):
            return text[:end]
    return None


def _assertion(call_text: str, want_text: str, entry_point: str) -> str | None:
    call = _expression(call_text)
    want = _literal(want_text)
    if not isinstance(call, ast.Call) or want is None:
        return None
    if entry_point not in _names_called(call):
        return None
    names = {node.id for node in ast.walk(call) if isinstance(node, ast.Name)}
    if names - KNOWN_NAMES - {entry_point}:
        return None
    left, right = ast.unparse(call), ast.unparse(want)
    if isinstance(want, ast.Constant) and isinstance(want.value, float):
        return f"assert abs({left} - {right}) < {FLOAT_TOLERANCE}"
    return f"assert {left} == {right}"


def _literal(text: str) -> ast.expr | None:
    """The literal a text begins with: all of it, or up to a comment or the end of the sentence."""
    # A full stop is no decimal point: "returns 16." means 16.
    text = text.strip().strip("`").strip().rstrip(".")
    ends = [len(text), *(match.start() for match in WANT_ENDS.finditer(text))]
    for end in dict.fromkeys(ends):
        written = text[:end].strip().rstrip("`")
        node = _expression(SPOKEN.get(written, written))
        if node is not None and _is_literal(node):
            return node
    return None


def _names_called(call: ast.Call) -> set[str]:
    return {
        node.func.id
        for node in ast.walk(call)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def _is_literal(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "set" and not node.args
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _expression(text: str) -> ast.expr | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
