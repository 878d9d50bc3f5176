"""vLLM ≥ 0.33: body `priority`, lower first (server option `--scheduling-policy priority`)."""

from lamas.domain.call_semantics import CallSemantics
from lamas.serving.conventions.wire import Body, Headers, Hint, Known, Written


def read(body: Body, headers: Headers) -> Known:
    """Nothing: a priority tells no part of a call's place."""
    return {}


def write(semantics: CallSemantics, hint: Hint) -> Written:
    return Written(body={"priority": hint.rank})
