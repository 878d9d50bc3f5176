"""What is asked of a model and what comes back, whichever model it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Protocol

from lamas.domain import ChatMessage, ModelCall
from lamas.domain.call_semantics import CallSemantics
from lamas.domain.hygiene import well_formed
from lamas.errors import DomainError, ModelError
from lamas.llm.answer_end import StreamEnd


def _no_labels() -> Mapping[str, str]:
    return MappingProxyType({})


class Turn(Protocol):
    """Whether a request may be sent yet, and whether anybody still waits for its answer."""

    async def ready(self) -> None:
        """Returns once it may be sent; what is stored is given without asking."""
        ...

    @property
    def over(self) -> str | None:
        """Why nobody waits any more. Whoever cancels the call says so here first."""
        ...


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
    ends_at: StreamEnd | None = None
    """What follows the answer is left: the stream is closed there, and the text ends there."""
    model: str | None = None
    """Which of several models is asked, by its name in the configuration; None is the default."""
    labels: Mapping[str, str] = field(default_factory=_no_labels)
    """Operator, problem and so on; sent only to endpoints that ask for annotated requests."""
    turn: Turn | None = field(default=None, compare=False, repr=False)
    """Of a chain that others may make superfluous."""
    semantics: CallSemantics | None = None
    """What the call belongs to, for whoever decides when it runs; changes no answer, never sent."""

    @property
    def over(self) -> str | None:
        """Why nobody waits for the answer any more; None while somebody does."""
        return None if self.turn is None else self.turn.over

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
        """Answer one request, and send it no earlier than its turn is ready, if it has one.

        Raises ModelUnreachableError after the last permitted attempt, ModelRequestError when the
        endpoint refuses the request, BudgetExceededError before a call that the caps do not allow;
        CallCancelledError when its turn is over;
        `attempts_of` gives the records of the attempts they carry.
        """
        ...


def attempts_of(error: ModelError) -> tuple[ModelCall, ...]:
    """Records of the attempts that ended in `error`, first to last."""
    return tuple(attempt for attempt in error.attempts if isinstance(attempt, ModelCall))
