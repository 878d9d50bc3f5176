"""The section `calibration` of the configuration."""

from pathlib import Path

from pydantic import Field

from flows.settings.section import Section
from lamas.llm.simulated.profile import DEFAULT_PROFILE


class CalibrationConfig(Section):
    """Where a fit begins, where it goes, and how closely it is looked at."""

    output: Path = Path("calibrated.yaml")
    """The profile that is written; one that is there is replaced."""
    start: str = DEFAULT_PROFILE
    """Profile whose values stand for what the rollouts cannot tell: a packaged one or a file."""
    check: bool = True
    """Run the same graphs against the fitted profile and compare."""
    check_repeats: int = Field(default=3, ge=1)
    """How often, each time with difficulties drawn anew."""
    check_rollouts: int = Field(default=1000, ge=1)
    """At most so many rollouts are compared, spread over all of them."""
