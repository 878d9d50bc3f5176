"""The section `latency`: how a latency model is fitted."""

from pydantic import Field

from flows.settings.section import Section


class LatencyConfig(Section):
    """How `lamas latency` fits and evaluates."""

    held_out: float = Field(default=0.2, gt=0, lt=1)
    """Share of the rollouts kept from the fit."""
