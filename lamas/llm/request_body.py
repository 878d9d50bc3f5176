"""What is sent for one chat completion: the JSON body and the labels."""

from collections.abc import Mapping
from urllib.parse import quote

from lamas.llm.chat import ChatRequest
from lamas.llm.settings import EndpointSettings


def request_body(
    settings: EndpointSettings, request: ChatRequest, *, asks_for_usage: bool
) -> dict[str, object]:
    """The body of a request, without what the endpoint does not take.

    `asks_for_usage`: a streamed answer shall end with its usage.
    """
    parameters: dict[str, object] = {"temperature": request.temperature, "seed": request.seed}
    body: dict[str, object] = {
        "model": settings.model,
        "messages": [
            {"role": message.role, "content": message.content} for message in request.messages
        ],
        **{name: value for name, value in parameters.items() if name not in settings.omit},
        settings.max_tokens_parameter: request.max_tokens,
    }
    if request.stop:
        body["stop"] = list(request.stop)
    if settings.stream:
        body["stream"] = True
        if asks_for_usage:
            body["stream_options"] = {"include_usage": True}
        if settings.counts_in_stream:
            body["timings_per_token"] = True
    return {**body, **settings.extra_body}


def label_headers(settings: EndpointSettings, request: ChatRequest, attempt: str) -> dict[str, str]:
    """The labels as headers, for an endpoint that wants them."""
    if not settings.annotate:
        return {}
    labels: Mapping[str, str] = {**request.labels, "attempt": attempt}
    return {f"x-lamas-{name}": _header_value(value) for name, value in labels.items()}


def _header_value(value: str) -> str:
    # Percent signs only where they are needed: most labels arrive as they are.
    return value if value.isascii() and value.isprintable() else quote(value, safe=" /:.,-_")
