"""What a comparison over training seeds leaves: its member runs and its estimates."""

from dataclasses import dataclass
from typing import Literal

NonInferiorityVerdict = Literal["superior", "non-inferior", "inconclusive", "inferior"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparisonMember:
    """One run of a comparison."""

    comparison_run_id: str
    variant: str
    training_seed: int
    """Of weights, batches and sampled graphs; where nothing is learned, of the evaluation."""
    run_id: str
    learned: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparisonEstimate:
    """How one variant differs from another over training seeds and problems."""

    comparison_run_id: str
    variant: str
    reference: str
    metric: str
    """`score_difference` (variant − reference) or `…_log_ratio` (natural logarithm)."""
    value: float
    low: float | None
    """Lower end of the 95 % interval; None where the data do not vary."""
    high: float | None
    standard_error: float | None
    degrees: float | None
    p_value: float | None
    seeds: int
    problems: int
    pairs: int
    method: str
    margin: float | None = None
    """Of the score difference, fixed before the run."""
    verdict: NonInferiorityVerdict | None = None
    margin_p_value: float | None = None
    """One-sided, of the hypothesis that the variant is worse by at least the margin."""
