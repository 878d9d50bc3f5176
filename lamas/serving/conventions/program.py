"""Clients that name their program: body `program_id` (agent proxies), header `x-session-id`."""

from lamas.domain.call_semantics import CallSemantics
from lamas.serving.conventions.wire import Body, Headers, Hint, Known, Written, texts


def read(body: Body, headers: Headers) -> Known:
    return texts({}, workflow=body.get("program_id"), session=headers.get("x-session-id"))


def write(semantics: CallSemantics, hint: Hint) -> Written:
    headers = {"x-session-id": semantics.session} if semantics.session else {}
    return Written(body={"program_id": semantics.workflow}, headers=headers)
