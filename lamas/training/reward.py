"""The reward of a rollout and of a decision: score, minus what it cost, minus what it took."""

from dataclasses import dataclass

from lamas.domain import Rollout
from lamas.errors import ConfigurationError, DomainError


@dataclass(frozen=True, kw_only=True, slots=True)
class RewardWeights:
    """λ_c and λ_t: what a dollar and a virtual second are worth in score."""

    lambda_c: float = 3.0
    """λ_c per USD."""
    lambda_t: float = 0.005
    """λ_t per virtual second (T, not tokens: CP_len / γ)."""

    def __post_init__(self) -> None:
        for name, value in (("λ_c", self.lambda_c), ("λ_t", self.lambda_t)):
            if not 0.0 <= value < float("inf"):
                raise ConfigurationError(f"{name} must be a number ≥ 0, got {value}")


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionReward:
    """What one decision earned under one credit rule, before any baseline."""

    rollout_id: str
    problem_id: str
    layer: int
    operator: str
    credit_rule: str
    score_term: float
    """S."""
    cost_term: float
    """≤ 0."""
    latency_term: float
    """≤ 0."""

    @property
    def reward(self) -> float:
        """The three terms added left to right."""
        return self.score_term + self.cost_term + self.latency_term


def score_of(rollout: Rollout) -> float:
    """S of a finished rollout; DomainError for a failed one, which has no reward."""
    if rollout.status != "ok" or rollout.score is None:
        raise DomainError(
            f"rollout {rollout.rollout_id} failed ({rollout.error or 'no score'}): "
            "a failed rollout has no reward, leave it out of credit and update"
        )
    return rollout.score


def rollout_reward(rollout: Rollout, weights: RewardWeights) -> float:
    """R = S − λ_c·C − λ_t·T, terms added left to right."""
    return (score_of(rollout) + cost_term(rollout.cost_usd, weights)) + latency_term(
        rollout.virtual_seconds, weights
    )


def cost_term(cost_usd: float, weights: RewardWeights) -> float:
    """−λ_c·C, and 0 rather than −0."""
    return 0.0 - weights.lambda_c * cost_usd


def latency_term(virtual_seconds: float, weights: RewardWeights) -> float:
    """−λ_t·T, and 0 rather than −0."""
    return 0.0 - weights.lambda_t * virtual_seconds
