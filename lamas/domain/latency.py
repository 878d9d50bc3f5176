"""How many seconds a model call takes: the coefficients of one model, what they were fitted on."""

import json
import math
from dataclasses import asdict, dataclass, fields
from typing import cast

from lamas.domain.identity import digest
from lamas.errors import DomainError

LATENCY_UNITS = {
    "first_token_seconds": "s",
    "first_token_seconds_per_input_token": "s/token",
    "first_token_seconds_per_load": "s/call",
    "seconds_per_output_token": "s/token",
    "seconds_per_output_token_per_load": "s/token/call",
    "reference_load": "calls",
}
"""The coefficients of a latency model, in order, and their units."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LatencyModel:
    """Seconds of one call: (a + e·load) + b·prompt tokens + (c + d·load)·output tokens.

    The prompt's tokens are those that did not come from the endpoint's cache. `load` is how many
    other calls are in flight, averaged over the call. Raises DomainError for coefficients that are
    negative or no numbers.
    """

    request_model: str
    first_token_seconds: float
    """a, in seconds."""
    first_token_seconds_per_input_token: float
    """b, in seconds per token of the prompt."""
    first_token_seconds_per_load: float
    """e, in seconds per other call in flight."""
    seconds_per_output_token: float
    """c, in seconds per token of the answer."""
    seconds_per_output_token_per_load: float
    """d, in seconds per token of the answer and other call in flight."""
    reference_load: float
    """The load that predictions assume, so that they follow from tokens and tool seconds alone."""
    uncached: bool = False
    """Whether b counts the tokens that were not cached; models fitted before counted them all."""

    def __post_init__(self) -> None:
        for name in LATENCY_UNITS:
            value: float = getattr(self, name)
            if not 0.0 <= value < math.inf:
                raise DomainError(f"latency model: {name} must be a number ≥ 0, got {value}")

    @property
    def latency_model_id(self) -> str:
        """A function of the coefficients: equal models have equal ids."""
        return f"latency-{digest(self._named())[:16]}"

    def _named(self) -> dict[str, object]:
        """Its fields, without what models had not that were fitted before."""
        values = asdict(self)
        if not self.uncached:
            del values["uncached"]
        return values

    def call_seconds(
        self,
        input_tokens: int,
        output_tokens: int,
        *,
        cached_tokens: int = 0,
        load: float | None = None,
    ) -> float:
        """Predicted seconds of one call at the given load, or at the reference load.

        Terms are added in the order of the formula above, so that SQL repeats them exactly.
        """
        others = self.reference_load if load is None else load
        return (
            (self.first_token_seconds + self.first_token_seconds_per_load * others)
            + self.first_token_seconds_per_input_token
            * (input_tokens - (cached_tokens if self.uncached else 0))
            + (self.seconds_per_output_token + self.seconds_per_output_token_per_load * others)
            * output_tokens
        )

    def to_json(self) -> str:
        """Every coefficient to the last bit."""
        return json.dumps(self._named(), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "LatencyModel":
        """What `to_json` wrote; DomainError when the text is something else."""
        try:
            content: object = json.loads(text)
        except ValueError as error:
            raise DomainError(f"latency model: the text is no JSON ({error})") from None
        names = {item.name for item in fields(cls)}
        found = set(cast("dict[str, object]", content)) if isinstance(content, dict) else set[str]()
        if found | {"uncached"} != names:
            raise DomainError(f"latency model: need a JSON object of {', '.join(sorted(names))}")
        values = cast("dict[str, object]", content)
        coefficients: dict[str, float] = {}
        for name in LATENCY_UNITS:
            value = values[name]
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise DomainError(f"latency model: {name} must be a number ≥ 0, got {value!r}")
            coefficients[name] = float(value)
        return cls(
            request_model=str(values["request_model"]),
            uncached=values.get("uncached") is True,
            **coefficients,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """How predicted seconds agree with measured ones; None where the figure is undefined."""

    n: int
    median_absolute_percentage_error: float | None
    """|predicted − measured| / measured, in per cent."""
    r_squared: float | None
    """1 − Σ(measured − predicted)² / Σ(measured − mean)²; below 0, worse than the mean."""
    pearson: float | None
    spearman: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LatencyFit:
    """One fitted latency model: on what, and how it does on rollouts it has not seen."""

    model: LatencyModel
    run_id: str | None
    """The run whose calls it was fitted on; None for all runs of the warehouse."""
    seed: int
    """Of the split by rollout."""
    held_out_fraction: float
    calls: int
    """Calls it was fitted on."""
    streamed_calls: int
    """Those with a time to the first chunk."""
    first_chunk_seconds: float | None
    """Seconds from the first token to the end of the first chunk; None without streamed calls."""
    rollouts: int
    """Rollouts the calls belong to."""
    proxy_seconds_at_zero: float
    """Least-squares line from CP_len to makespan over those rollouts: the proxy in seconds."""
    proxy_seconds_per_token: float
    held_out: Agreement
    """Predicted with measured makespan of held-out rollouts."""
    proxy: Agreement
    """The line through CP_len with the same makespans."""
    fitted_at: float
    """Seconds since the epoch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictedSeconds:
    """What one latency model says of one operator invocation."""

    invocation_id: str
    latency_model_id: str
    seconds: float
    held_out: bool
    """Whether its rollout was kept from the fit to evaluate the model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SentCall:
    """What a latency model is fitted on: one attempt that was really sent, without its texts."""

    rollout_id: str
    request_model: str
    ok: bool
    usage_input_tokens: int
    usage_output_tokens: int
    started_at: float
    ended_at: float
    time_to_first_chunk_seconds: float | None
    usage_cached_tokens: int = 0
    """Of the input, from the endpoint's prompt cache."""

    @property
    def seconds(self) -> float:
        return self.ended_at - self.started_at
