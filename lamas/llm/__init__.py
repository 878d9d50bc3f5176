"""The only room that speaks HTTP to a model: requests, retries, prices, stored responses."""

from lamas.llm.budget import Budget, Ledger
from lamas.llm.chat import ChatModel, ChatRequest, ChatResult, Turn, attempts_of
from lamas.llm.embedded import EmbeddedServer, EmbeddedSettings
from lamas.llm.endpoint_check import check_endpoint, trial_request
from lamas.llm.gguf import packaged_gguf
from lamas.llm.hedge import HedgePolicy
from lamas.llm.lazy import LazyModel
from lamas.llm.openai_chat import OpenAIChatModel
from lamas.llm.prices import Price, PriceList
from lamas.llm.settings import EndpointSettings, RetryPolicy
from lamas.llm.several import SeveralModels
from lamas.llm.store import ResponseStore

__all__ = [
    "Budget",
    "ChatModel",
    "ChatRequest",
    "ChatResult",
    "EmbeddedServer",
    "EmbeddedSettings",
    "EndpointSettings",
    "HedgePolicy",
    "LazyModel",
    "Ledger",
    "OpenAIChatModel",
    "Price",
    "PriceList",
    "ResponseStore",
    "RetryPolicy",
    "SeveralModels",
    "Turn",
    "attempts_of",
    "check_endpoint",
    "packaged_gguf",
    "trial_request",
]
