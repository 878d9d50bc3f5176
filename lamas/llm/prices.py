"""What tokens cost."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lamas.errors import ConfigurationError

TOKENS_PER_PRICE = 1_000_000
_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """USD per million tokens."""

    input: float
    output: float
    cached_input: float | None = None
    """Of input tokens that the endpoint took from its prompt cache; None is as any other input."""

    def __post_init__(self) -> None:
        if self.cached_input is not None and not 0 <= self.cached_input <= self.input:
            raise ConfigurationError(
                f"llm.price.cached_input={self.cached_input} must lie between 0 and "
                f"llm.price.input={self.input}, or be null for the same price"
            )
        for name, value in (("input", self.input), ("output", self.output)):
            if not 0 <= value < float("inf"):
                raise ConfigurationError(
                    f"llm.price.{name}={value} must be ≥ 0 USD per million tokens"
                )

    def cost_usd(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> float:
        """USD for so many tokens; `cached_tokens` are those of the input that were cached."""
        if self.cached_input is None or not cached_tokens:
            spent = input_tokens * self.input
        else:
            fresh = (input_tokens - cached_tokens) * self.input
            spent = fresh + cached_tokens * self.cached_input
        return (spent + output_tokens * self.output) / TOKENS_PER_PRICE


_PUBLISHED = {
    "gpt-4o-mini": Price(input=0.15, output=0.60, cached_input=0.075),
    "gpt-4o": Price(input=2.50, output=10.00, cached_input=1.25),
    "gpt-4.1": Price(input=2.00, output=8.00, cached_input=0.50),
    "gpt-4.1-mini": Price(input=0.40, output=1.60, cached_input=0.10),
    "gpt-4.1-nano": Price(input=0.10, output=0.40, cached_input=0.025),
    "gpt-5": Price(input=1.25, output=10.00, cached_input=0.125),
    "gpt-5-mini": Price(input=0.25, output=2.00, cached_input=0.025),
    "gpt-5-nano": Price(input=0.05, output=0.40, cached_input=0.005),
}


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices by model name; a dated snapshot costs what its model costs."""

    prices: Mapping[str, Price]

    @classmethod
    def published(cls) -> "PriceList":
        """List prices of OpenAI's text models (standard tier)."""
        return cls(MappingProxyType(_PUBLISHED))

    def price(self, model: str) -> Price:
        """Price of `model`; ConfigurationError when the list does not hold it."""
        found = self.prices.get(model) or self.prices.get(_SNAPSHOT.sub("", model))
        if found is None:
            raise ConfigurationError(
                f"no price is known for model {model!r}: set llm.price.input and llm.price.output "
                f"in USD per million tokens (0 for a model that costs nothing); "
                f"known: {', '.join(sorted(self.prices))}"
            )
        return found
