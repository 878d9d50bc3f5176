"""The knobs of learning: reward weights, credit rule, baseline, and the optimiser."""

from dataclasses import dataclass, field

from lamas.errors import ConfigurationError
from lamas.training.baseline import BASELINES, BaselineSettings
from lamas.training.credit import CREDIT_RULES
from lamas.training.reward import RewardWeights


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainerSettings:
    """How rollouts become a gradient step."""

    credit: str = "marginal"
    weights: RewardWeights = field(default_factory=RewardWeights)
    baseline: str = "leave_one_out"
    baseline_settings: BaselineSettings = field(default_factory=BaselineSettings)
    learning_rate: float = 0.01
    gradient_clip: float = 1.0
    """Largest norm of the gradient that reaches the optimiser."""
    entropy_bonus: float = 0.0
    """Weight of the mean layer entropy in the objective; 0 switches it off."""
    importance_weighting: bool = False
    """Weight each rollout by how likely the current weights make it against those that drew it."""
    importance_cap: float = 2.0
    """Largest such weight."""

    def __post_init__(self) -> None:
        if self.credit not in CREDIT_RULES:
            raise ConfigurationError(
                f"credit rule {self.credit!r} is not one of {', '.join(CREDIT_RULES)}"
            )
        if self.baseline not in BASELINES:
            raise ConfigurationError(
                f"baseline {self.baseline!r} is not one of {', '.join(BASELINES)}"
            )
        for name in ("learning_rate", "gradient_clip", "importance_cap"):
            value: float = getattr(self, name)
            if not 0.0 < value < float("inf"):
                raise ConfigurationError(f"{name} must be a number > 0, got {value}")
        if not self.entropy_bonus >= 0.0:
            raise ConfigurationError(f"entropy_bonus must be ≥ 0, got {self.entropy_bonus}")
