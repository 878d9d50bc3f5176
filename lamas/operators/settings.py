"""The knobs of the operators of one catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

from lamas.errors import ConfigurationError

BINDING = "@"
"""Between the name of an operator and that of the model it is bound to."""

EnsembleMethod = Literal["vote", "plurality", "model"]
ComputedAnswer = Literal["ask", "state"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CallSettings:
    """What an operator's model calls are sent with unless it says otherwise."""

    max_tokens: int
    temperature: float
    model: str | None = None
    """Name of the model that is asked; None is the default one."""
    end_at_answer: bool = False


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
    `plurality`: a plurality, at a tie the answer that came first, and the model never: what a graph
    is worth then follows from its operators' answers, as learning from a table takes it to;
    `model`: always ask the model, as MaAS and LAMaS publish."""
    end_at_answer: bool = False
    """Close the stream of an answer where it is whole: behind its box, or its code block."""
    computed: ComputedAnswer = "ask"
    """What Programmer makes of a result of one line: `ask` lets the model state it, as MaAS and
    LAMaS publish; `state` puts it into a box as it is, one call less and nothing misread."""
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
        if self.computed not in get_args(ComputedAnswer):
            raise ConfigurationError(
                f"operators: computed must be ask or state, got {self.computed!r}"
            )
        if self.ensemble not in get_args(EnsembleMethod):
            raise ConfigurationError(
                f"operators: ensemble must be one of {', '.join(get_args(EnsembleMethod))}, "
                f"got {self.ensemble!r}"
            )

    def call(self, operator: str) -> CallSettings:
        """The settings of the model calls of `operator`.

        One bound to a model (`GenerateCoT@fast`) has what is set for it, else what is set for the
        operator without one.
        """
        base, model = parted(operator)
        usual = min(self.max_tokens, SHORT_REPLIES.get(base, self.max_tokens))
        tokens, temperatures = self.max_tokens_by_operator, self.temperature_by_operator
        return CallSettings(
            max_tokens=tokens.get(operator, tokens.get(base, usual)),
            temperature=temperatures.get(operator, temperatures.get(base, self.temperature)),
            model=model,
            end_at_answer=self.end_at_answer,
        )


def parted(operator: str) -> tuple[str, str | None]:
    """What an operator does and the model it is bound to: `GenerateCoT@fast` is GenerateCoT by
    the model called fast, a name without @ asks the default model.
    """
    base, bound, model = operator.partition(BINDING)
    return base, model if bound else None
