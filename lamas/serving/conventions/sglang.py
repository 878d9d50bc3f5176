"""SGLang ≥ 0.5: body `priority`, higher first (`--enable-priority-scheduling`), `session_id`."""

from lamas.domain.call_semantics import CallSemantics
from lamas.serving.conventions.wire import Body, Headers, Hint, Known, Written, texts


def read(body: Body, headers: Headers) -> Known:
    return texts({}, session=body.get("session_id"))


def write(semantics: CallSemantics, hint: Hint) -> Written:
    body: dict[str, object] = {"priority": -hint.rank}
    if semantics.session:
        body["session_id"] = semantics.session
    return Written(body=body)
