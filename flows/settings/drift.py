"""The section `drift`: when an evaluation of the champion leaves the band of the last ones."""

from pydantic import Field

from flows.settings.section import Section
from lamas.domain.drift import LEAST_QUESTIONS, MINIMUM_EVALUATIONS, DriftBand


class DriftConfig(Section):
    """When an evaluation of the champion leaves the band of the last ones."""

    enabled: bool = True
    evaluations: int = Field(default=5, ge=MINIMUM_EVALUATIONS)
    """At most so many earlier evaluations make the band."""
    width: float = Field(default=3.0, gt=0)
    """Half-width of the band in robust standard deviations (1.4826 × median deviation)."""
    minimum_score: float = Field(default=0.02, ge=0)
    """Half-width of the score's band at least, as a fraction."""
    minimum_relative: float = Field(default=0.05, ge=0)
    """Half-width of the bands of CP_len and cost at least, as a fraction of the median."""

    requests: int = Field(default=200, ge=LEAST_QUESTIONS)
    """So many of the last requests of gateways are held against what the champion learned from."""
    minimum_mix: float = Field(default=0.1, ge=0, le=2)
    """Distance of the mean embeddings that is worth a word, of vectors of length 1."""

    @property
    def band(self) -> DriftBand:
        """As the arithmetic takes it."""
        return DriftBand(
            evaluations=self.evaluations,
            width=self.width,
            minimum_score=self.minimum_score,
            minimum_relative=self.minimum_relative,
        )
