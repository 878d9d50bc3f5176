"""How many output tokens the calls of one operator may use in a run, and why so many."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenLimit:
    """The limit of one operator, as one run began with it."""

    run_id: str
    operator: str
    model: str
    configured: int
    """What the configuration allows."""
    max_tokens: int
    """What is sent, at most `configured`."""
    calls: int
    """Earlier calls of that operator and model."""
    quantile_tokens: float | None
    """Quantile of their output tokens; None without any."""
