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

    def __post_init__(self) -> None:
        for name, value in (("input", self.input), ("output", self.output)):
            if not 0 <= value < float("inf"):
                raise ConfigurationError(
                    f"llm.price.{name}={value} must be ≥ 0 USD per million tokens"
                )

    def cost_usd(self, input_tokens: int, output_tokens: int) -> float:
        """USD for so many tokens."""
        return (input_tokens * self.input + output_tokens * self.output) / TOKENS_PER_PRICE


_PUBLISHED = {
    "gpt-4o-mini": Price(input=0.15, output=0.60),
    "gpt-4o": Price(input=2.50, output=10.00),
    "gpt-4.1": Price(input=2.00, output=8.00),
    "gpt-4.1-mini": Price(input=0.40, output=1.60),
    "gpt-4.1-nano": Price(input=0.10, output=0.40),
    "gpt-5": Price(input=1.25, output=10.00),
    "gpt-5-mini": Price(input=0.25, output=2.00),
    "gpt-5-nano": Price(input=0.05, output=0.40),
}


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices by model name; a dated snapshot costs what its model costs."""

    prices: Mapping[str, Price]

    @classmethod
    def published(cls) -> "PriceList":
        """List prices of OpenAI's text models (standard tier, uncached input)."""
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
