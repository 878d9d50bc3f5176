"""The knobs of the operators of one catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from lamas.errors import ConfigurationError

EnsembleMethod = Literal["vote", "model"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CallSettings:
    """What an operator's model calls are sent with unless it says otherwise."""

    max_tokens: int
    temperature: float


SHORT_REPLIES: Mapping[str, int] = MappingProxyType({"ScEnsemble": 64})
"""Output tokens of operators that ask for a letter; the rest of them is for explaining it first."""


def _no_temperatures() -> Mapping[str, float]:
    return MappingProxyType({})


def _no_limits() -> Mapping[str, int]:
    return MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorSettings:
    """Raises ConfigurationError for values out of range."""

    temperature: float = 1.0
    """Sampling temperature, 1 in the paper."""
    max_tokens: int = 2048
    """Output tokens one call may use."""
    temperature_by_operator: Mapping[str, float] = field(default_factory=_no_temperatures)
    """Exceptions to `temperature`, by operator name."""
    max_tokens_by_operator: Mapping[str, int] = field(default_factory=_no_limits)
    """Exceptions to `max_tokens` and to SHORT_REPLIES, by operator name."""
    samples: int = 3
    """Chains of thought MultiGenerateCoT draws in parallel."""
    tries: int = 3
    """Programs Programmer and Test may run."""
    ensemble: EnsembleMethod = "vote"
    """`vote`: the strict plurality of extracted answers, the model only if there is none;
    `model`: always ask the model, as MaAS and LAMaS publish."""
    shown_characters: int = 24_000
    """Characters of earlier solutions one prompt may show; longer ones lose their beginning."""
    feedback_characters: int = 1_500
    """Characters of a program's output or error one prompt may show, the end of it."""

    def __post_init__(self) -> None:
        limits = {"samples": self.samples, "tries": self.tries, "max_tokens": self.max_tokens}
        limits |= {f"max_tokens of {k}": v for k, v in self.max_tokens_by_operator.items()}
        limits |= {
            "shown_characters": self.shown_characters,
            "feedback_characters": self.feedback_characters,
        }
        for name, value in limits.items():
            if value < 1:
                raise ConfigurationError(f"operators: {name} must be ≥ 1, got {value}")
        temperatures = {"temperature": self.temperature}
        temperatures |= {f"temperature of {k}": v for k, v in self.temperature_by_operator.items()}
        for name, temperature in temperatures.items():
            if not 0.0 <= temperature <= 2.0:
                raise ConfigurationError(f"operators: {name} must be in [0, 2], got {temperature}")
        if self.ensemble not in ("vote", "model"):
            raise ConfigurationError(
                f"operators: ensemble must be 'vote' or 'model', got {self.ensemble!r}"
            )

    def call(self, operator: str) -> CallSettings:
        """The settings of the model calls of `operator`."""
        usual = min(self.max_tokens, SHORT_REPLIES.get(operator, self.max_tokens))
        return CallSettings(
            max_tokens=self.max_tokens_by_operator.get(operator, usual),
            temperature=self.temperature_by_operator.get(operator, self.temperature),
        )
