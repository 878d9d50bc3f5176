"""How what a client says besides its question reaches the operators' calls."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lamas.domain import ChatMessage
from lamas.gateway.bodies import Message
from lamas.gateway.refusal import RefusedError
from lamas.llm import ChatModel, ChatRequest, ChatResult


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversation:
    """A conversation as the controller and the operators see it."""

    instructions: str
    """What the client's system messages say."""
    earlier: tuple[ChatMessage, ...]
    """Messages of user and assistant before the question."""
    question: str
    """The last message of the user: what the controller reads."""
    length: int
    """Messages in all."""

    def messages(self) -> tuple[ChatMessage, ...]:
        """All of it, for a model that is asked alone."""
        opening = (ChatMessage(role="system", content=self.instructions),)
        return (
            *(opening if self.instructions else ()),
            *self.earlier,
            ChatMessage(role="user", content=self.question),
        )


def conversation_of(messages: Sequence[Message]) -> Conversation:
    """RefusedError (400) unless the last message is a user's question."""
    last = messages[-1]
    where = f"messages[{len(messages) - 1}]"
    if last.role != "user":
        raise RefusedError(
            f"{where} is of role {last.role}: the last message must be the user's question",
            parameter=where,
        )
    if not last.text.strip():
        raise RefusedError(f"{where} is empty: ask something", parameter=where)
    instructions: list[str] = []
    earlier: list[ChatMessage] = []
    for message in messages[:-1]:
        if message.role in ("system", "developer"):
            instructions.append(message.text)
        elif message.role == "user":
            earlier.append(ChatMessage(role="user", content=message.text))
        else:
            earlier.append(ChatMessage(role="assistant", content=message.text))
    return Conversation(
        instructions="\n\n".join(instructions),
        earlier=tuple(earlier),
        question=last.text,
        length=len(messages),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """What a client says about how its answer is made; None leaves it to the operators."""

    temperature: float | None = None
    max_tokens: int | None = None
    """Output tokens of each call at most."""
    stop: tuple[str, ...] = ()

    def applied(self, request: ChatRequest) -> ChatRequest:
        """`request` as the client wants it: a limit only ever falls."""
        limit = request.max_tokens if self.max_tokens is None else self.max_tokens
        return replace(
            request,
            temperature=request.temperature if self.temperature is None else self.temperature,
            max_tokens=min(request.max_tokens, limit),
            stop=self.stop,
        )

    def ended(self, text: str) -> str:
        """`text` up to the first of the stops."""
        ends = [place for stop in self.stop if (place := text.find(stop)) >= 0]
        return text[: min(ends)] if ends else text


class InConversation:
    """A `ChatModel` whose every call knows the conversation that its operator works in.

    The client's instructions stand before the operator's own in one system message, for models
    that take only one, and the earlier messages before the operator's.
    """

    def __init__(self, model: ChatModel, conversation: Conversation, sampling: Sampling) -> None:
        self._model = model
        self._conversation = conversation
        self._sampling = sampling

    async def complete(self, request: ChatRequest) -> ChatResult:
        """Raises what the model raises."""
        own = request.messages
        instructions = [self._conversation.instructions] if self._conversation.instructions else []
        if own[0].role == "system":
            instructions.append(own[0].content)
            own = own[1:]
        system = (ChatMessage(role="system", content="\n\n".join(instructions)),)
        messages = (*(system if instructions else ()), *self._conversation.earlier, *own)
        return await self._model.complete(
            self._sampling.applied(replace(request, messages=messages))
        )
