"""Which parameter of a request an endpoint refuses, and what a user does about it."""

import re

from lamas.llm.failures import Failure
from lamas.llm.settings import EndpointSettings

_REFUSALS = frozenset({400, 422})
_LIMITS = ("max_tokens", "max_completion_tokens")
_UNKNOWN = re.compile(r"unsupported|not support|unrecogni|unknown|extra|unexpected", re.IGNORECASE)


def refused_parameter(settings: EndpointSettings, failure: Failure) -> str | None:
    """The parameter of ours that a refusal names."""
    if failure.status not in _REFUSALS:
        return None
    sent = ["temperature", "seed", settings.max_tokens_parameter, "stream_options", "stream"]
    sent += [name for name in settings.extra_body if name not in sent]
    if failure.parameter in sent:
        return failure.parameter
    named = {name: re.search(rf"(?<!\w){re.escape(name)}(?!\w)", failure.reason) for name in sent}
    places = [(found.start(), name) for name, found in named.items() if found]
    return min(places)[1] if places else None


def parameter_remedy(settings: EndpointSettings, failure: Failure) -> str | None:
    """What to do about a parameter that is refused, as a clause; None where none is."""
    name = refused_parameter(settings, failure)
    if name is None:
        return None
    omitted = ",".join((*settings.omit, name))
    if name == "seed":
        remedy = f"leave it out with llm.omit=[{omitted}]"
    elif name == "temperature":
        remedy = f"leave it out with llm.omit=[{omitted}], or set operators.temperature=1"
    elif name == settings.max_tokens_parameter:
        other = next(limit for limit in _LIMITS if limit != name)
        unknown = other in failure.reason or _UNKNOWN.search(failure.reason)
        remedy = (
            f"set llm.max_tokens_parameter={other}" if unknown else "lower operators.max_tokens"
        )
    elif name in settings.extra_body:
        remedy = f"correct llm.extra_body.{name} or leave it out"
    else:
        remedy = "set llm.stream=false"
    return f"it does not take the parameter {name}: {remedy}"
