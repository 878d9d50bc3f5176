"""How others say what a call belongs to: one module a convention."""

from lamas.domain.call_semantics import CallSemantics
from lamas.serving.conventions import dynamo, llm_d, openai, own, program, sglang, vllm
from lamas.serving.conventions.wire import Body, Headers, Hint, Known, Written

_READ = {
    "program": program,
    "llm_d": llm_d,
    "dynamo": dynamo,
    "sglang": sglang,
    "openai": openai,
    "lamas": own,
}
"""What each says overrides what those before it said."""
_WRITTEN = {
    "vllm": vllm,
    "sglang": sglang,
    "openai": openai,
    "dynamo": dynamo,
    "llm_d": llm_d,
    "program": program,
    "lamas": own,
}
CONVENTIONS = tuple(_WRITTEN)
"""Names of what can be written."""


def told(body: Body, headers: Headers) -> Known:
    """What a request of a foreign client says of its place; what cannot be used is left out."""
    lower = {name.lower(): value for name, value in headers.items()}
    known: Known = {}
    for convention in _READ.values():
        known.update(convention.read(body, lower))
    return known


def semantics_of(body: Body, headers: Headers, *, otherwise: str) -> CallSemantics:
    """The record of a foreign request; `otherwise` is its workflow where it names none."""
    known = told(body, headers)
    session = known.get("session", "")
    return CallSemantics(
        workflow=known.get("workflow", session or otherwise),
        workflow_type=known.get("workflow_type", ""),
        session=session,
        tenant=known.get("tenant", ""),
        role=known.get("role", ""),
        layer=known.get("layer", 0),
        deadline_seconds=known.get("deadline_seconds"),
    )


def written(convention: str, semantics: CallSemantics, hint: Hint) -> Written:
    """What to add to a request for a server that understands `convention` (of CONVENTIONS)."""
    return _WRITTEN[convention].write(semantics, hint)


def stripped(body: Body) -> dict[str, object]:
    """The body without our own fields, for a server that refuses unknown ones."""
    return {name: value for name, value in body.items() if name not in own.NAMES}
