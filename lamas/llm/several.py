"""Several models behind one: each request goes to the one it names."""

from collections.abc import Mapping

from lamas.errors import ConfigurationError
from lamas.llm.chat import ChatModel, ChatRequest, ChatResult


class SeveralModels:
    """A `ChatModel` for operators that are bound to models.

    Each model keeps its own caps, price, retries and places in flight.
    """

    def __init__(self, default: ChatModel, models: Mapping[str, ChatModel]) -> None:
        """`default` answers requests that name no model."""
        self._default = default
        self._models = dict(models)

    async def complete(self, request: ChatRequest) -> ChatResult:
        """Ask the model that `request` names; ConfigurationError when there is none of that name.

        Raises what that model raises.
        """
        if request.model is None:
            return await self._default.complete(request)
        model = self._models.get(request.model)
        if model is None:
            raise ConfigurationError(
                f"request {request.sample_key} asks model {request.model!r}, which llm.models does "
                f"not have; known there: {', '.join(self._models) or 'none'}"
            )
        return await model.complete(request)
