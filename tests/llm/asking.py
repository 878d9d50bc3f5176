"""Requests and models as the tests of this room use them."""

from lamas.domain import ChatMessage
from lamas.llm import (
    Budget,
    ChatRequest,
    EndpointSettings,
    OpenAIChatModel,
    Price,
    ResponseStore,
    RetryPolicy,
)

PRICE = Price(input=1000.0, output=10_000.0, cached_input=100.0)
"""So that ten tokens cost a cent or ten."""
QUICK = RetryPolicy(attempts=4, backoff_seconds=0.01, backoff_max_seconds=0.02, outage_seconds=0.05)


def request(slot: int = 0, *, text: str = "2 + 2?", max_tokens: int = 5) -> ChatRequest:
    return ChatRequest(
        messages=(
            ChatMessage(role="system", content="Be brief."),
            ChatMessage(role="user", content=text),
        ),
        temperature=1.0,
        max_tokens=max_tokens,
        sample_key=f"run/rollout/1/Generate/{slot}",
        seed=7,
        labels={"operator": "Generate", "problem_id": "größe/1"},
    )


def model(
    endpoint: EndpointSettings | str,
    *,
    retry: RetryPolicy = QUICK,
    budget: Budget | None = None,
    store: ResponseStore | None = None,
    reuse_scope: str | None = None,
) -> OpenAIChatModel:
    settings = (
        EndpointSettings(base_url=endpoint, model="tiny") if isinstance(endpoint, str) else endpoint
    )
    return OpenAIChatModel(
        settings,
        price=PRICE,
        retry=retry,
        budget=budget,
        store=store,
        reuse_scope=reuse_scope,
    )
