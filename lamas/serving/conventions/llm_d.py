"""llm-d and the gateway API: headers for objective, fairness and time to the first token."""

from lamas.domain.call_semantics import CallSemantics
from lamas.serving.conventions.wire import Body, Headers, Hint, Known, Written, texts

OBJECTIVE = ("x-llm-d-inference-objective", "x-gateway-inference-objective")
FAIRNESS = ("x-llm-d-inference-fairness-id", "x-gateway-inference-fairness-id")


def read(body: Body, headers: Headers) -> Known:
    """Of the newer and the older name of a header the newer one counts."""
    return texts(
        {},
        workflow_type=_first(headers, OBJECTIVE),
        tenant=_first(headers, FAIRNESS),
    )


def write(semantics: CallSemantics, hint: Hint) -> Written:
    headers = {OBJECTIVE[0]: semantics.workflow_type, FAIRNESS[0]: semantics.tenant}
    return Written(headers={name: value for name, value in headers.items() if value})


def _first(headers: Headers, names: tuple[str, ...]) -> str | None:
    return next((headers[name] for name in names if name in headers), None)
