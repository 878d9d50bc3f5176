"""A model whose endpoint and client are opened when they are needed."""

from collections.abc import Awaitable, Callable

from lamas.domain.once import Once
from lamas.llm.chat import ChatModel, ChatRequest, ChatResult


class LazyModel:
    """A `ChatModel` that `opening` gives: when it is opened or the first question comes, once."""

    def __init__(self, opening: Callable[[], Awaitable[ChatModel]]) -> None:
        self._model = Once(opening)

    async def open(self) -> ChatModel:
        """Raises what `opening` raises."""
        return await self._model.get()

    async def complete(self, request: ChatRequest) -> ChatResult:
        """One chat completion."""
        return await (await self._model.get()).complete(request)
