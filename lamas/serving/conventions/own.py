"""Our own convention: body `app_metadata` {workflow_type, session_id, agent_role} plus `lamas`.

`app_metadata` is Pythia's interface (arXiv 2604.25899, as summaries give it); `lamas` is ours. A
deadline counts from the arrival of the workflow, never by a client's clock.
"""

from lamas.domain.call_semantics import CallSemantics
from lamas.serving.conventions.wire import (
    Body,
    Headers,
    Hint,
    Known,
    Written,
    mapping,
    milliseconds,
    texts,
    whole,
)

NAMES = ("app_metadata", "lamas")
"""Fields that a strict server must not see."""


def read(body: Body, headers: Headers) -> Known:
    app, own = mapping(body.get("app_metadata")), mapping(body.get("lamas"))
    known = texts(
        {},
        workflow_type=app.get("workflow_type"),
        session=app.get("session_id"),
        role=app.get("agent_role"),
        workflow=own.get("workflow"),
        tenant=own.get("tenant"),
    )
    if "operator" in own:
        known = texts(known, role=own["operator"])
    if (layer := whole(own.get("layer"))) is not None:
        known["layer"] = layer
    if (steps := whole(own.get("remaining"))) is not None:
        known["remaining_steps"] = steps
    if (seconds := milliseconds(own.get("deadline_ms"))) is not None:
        known["deadline_seconds"] = seconds
    return known


def write(semantics: CallSemantics, hint: Hint) -> Written:
    app = {
        "workflow_type": semantics.workflow_type,
        "session_id": semantics.session,
        "agent_role": semantics.role,
    }
    own: dict[str, object] = {
        "workflow": semantics.workflow,
        "tenant": semantics.tenant,
        "operator": semantics.role,
        "layer": semantics.layer,
        "remaining": semantics.remaining_steps,
    }
    if semantics.deadline_seconds is not None:
        own["deadline_ms"] = round(semantics.deadline_seconds * 1000)
    kept = {name: value for name, value in own.items() if value not in ("", None)}
    given = {name: value for name, value in app.items() if value}
    return Written(body={"app_metadata": given, "lamas": kept})
