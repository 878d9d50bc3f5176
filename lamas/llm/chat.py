"""What is asked of a model and what comes back, whichever model it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Protocol

from lamas.domain import ChatMessage, ModelCall
from lamas.domain.call_semantics import CallSemantics
from lamas.domain.hygiene import well_formed
from lamas.errors import DomainError, ModelError


def _no_labels() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatRequest:
    """One chat completion to be made."""

    messages: tuple[ChatMessage, ...]
    temperature: float
    max_tokens: int
    """Most output tokens, ≥ 1."""
    sample_key: str
    """Which slot of which rollout asks: two slots never share a stored response."""
    seed: int
    """Sent to the endpoint."""
    stop: tuple[str, ...] = ()
    """Texts before which the model stops."""
    model: str | None = None
    """Which of several models is asked, by its name in the configuration; None is the default."""
    labels: Mapping[str, str] = field(default_factory=_no_labels)
    """Operator, problem and so on; sent only to endpoints that ask for annotated requests."""
    semantics: CallSemantics | None = None
    """What the call belongs to, for whoever decides when it runs; changes no answer, never sent."""

    def __post_init__(self) -> None:
        if not self.messages:
            raise DomainError(f"chat request {self.sample_key}: it holds no message")
        if any(well_formed(message.content) != message.content for message in self.messages):
            # A question may hold half a character, which neither JSON nor a digest takes.
            kept = (replace(item, content=well_formed(item.content)) for item in self.messages)
            object.__setattr__(self, "messages", tuple(kept))
        if self.max_tokens < 1:
            raise DomainError(
                f"chat request {self.sample_key}: max_tokens={self.max_tokens} must be ≥ 1"
            )
        if not self.temperature >= 0:
            raise DomainError(
                f"chat request {self.sample_key}: temperature={self.temperature} must be ≥ 0"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatResult:
    """The text of a completion and every attempt that was needed for it."""

    text: str
    attempts: tuple[ModelCall, ...]
    """First to last; the last one succeeded. Stage and branch are 0: the caller knows its place."""


class ChatModel(Protocol):
    """A model that completes chats."""

    async def complete(self, request: ChatRequest) -> ChatResult:
        """Answer one request.

        Raises ModelUnreachableError after the last permitted attempt, ModelRequestError when the
        endpoint refuses the request, BudgetExceededError before a call that the caps do not allow;
        `attempts_of` gives the records of the attempts they carry.
        """
        ...


def attempts_of(error: ModelError) -> tuple[ModelCall, ...]:
    """Records of the attempts that ended in `error`, first to last."""
    return tuple(attempt for attempt in error.attempts if isinstance(attempt, ModelCall))
