"""OpenAI: `prompt_cache_key` steers to a machine that holds the prefix, `metadata`."""

from lamas.domain.call_semantics import CallSemantics
from lamas.serving.conventions.wire import Body, Headers, Hint, Known, Written, mapping, texts

MOST_CHARACTERS = 64
"""Of a key or of a value of metadata."""


def read(body: Body, headers: Headers) -> Known:
    given = mapping(body.get("metadata"))
    return texts({}, workflow=given.get("workflow"), role=given.get("role"))


def write(semantics: CallSemantics, hint: Hint) -> Written:
    parts = (semantics.workflow_type, semantics.role)
    body: dict[str, object] = {
        "prompt_cache_key": ":".join(part for part in parts if part)[:MOST_CHARACTERS],
        "metadata": {
            "workflow": semantics.workflow[:MOST_CHARACTERS],
            "role": semantics.role[:MOST_CHARACTERS],
        },
    }
    return Written(body=body)
