"""NVIDIA Dynamo: body `nvext.agent_hints` {priority, osl}, header `x-dynamo-session-id`."""

from lamas.domain.call_semantics import CallSemantics
from lamas.serving.conventions.wire import Body, Headers, Hint, Known, Written, texts


def read(body: Body, headers: Headers) -> Known:
    return texts({}, session=headers.get("x-dynamo-session-id"))


def write(semantics: CallSemantics, hint: Hint) -> Written:
    hints: dict[str, object] = {"priority": -hint.rank}
    if hint.output_tokens is not None:
        hints["osl"] = hint.output_tokens
    headers = {"x-dynamo-session-id": semantics.session} if semantics.session else {}
    return Written(body={"nvext": {"agent_hints": hints}}, headers=headers)
