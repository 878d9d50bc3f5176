"""How far an evaluation of the champion may be from the last ones."""

from dataclasses import dataclass

MINIMUM_EVALUATIONS = 3
"""Fewer evaluations than this make no band."""
LEAST_QUESTIONS = 20
"""Fewer questions than this are no mix."""


@dataclass(frozen=True, kw_only=True)
class DriftBand:
    """The band around the median of the last evaluations."""

    evaluations: int
    """At most so many earlier evaluations make the band."""
    width: float
    """Half-width in robust standard deviations (1.4826 × median absolute deviation)."""
    minimum_score: float
    """Half-width of the score's band at least, as a fraction."""
    minimum_relative: float
    """Half-width of the bands of CP_len and cost at least, as a fraction of the median."""
