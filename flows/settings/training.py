"""The sections `training`, `credit` and `baseline`: how a controller learns."""

from typing import Literal

from pydantic import Field

from flows.settings.section import Section


class CreditConfig(Section):
    """How a rollout's reward reaches its decisions."""

    rule: Literal["critical_path", "uniform", "cost_only", "marginal"]


class BaselineConfig(Section):
    """What is subtracted from a credit, and what it is divided by."""

    kind: Literal["ema", "leave_one_out"]
    momentum: float = Field(default=0.95, ge=0, lt=1)


class TrainingConfig(Section):
    """Reward weights and the gradient step."""

    steps: int = Field(ge=0)
    problems_per_step: int = Field(default=4, ge=1)
    rollouts_per_problem: int = Field(default=4, ge=1)
    lambda_c: float = Field(default=3.0, ge=0)
    """Per USD."""
    lambda_t: float = Field(default=0.005, ge=0)
    """Per virtual second; per predicted second with a fitted latency model."""
    latency_model: Literal["proxy", "fitted"] = "proxy"
    """What T is: CP_len / γ, or the makespan that a latency model predicts."""
    latency_model_id: str | None = None
    """The latency model of `fitted`; the one fitted last for the model by default."""
    learning_rate: float = Field(default=0.01, gt=0)
    gradient_clip: float = Field(default=1.0, gt=0)
    entropy_bonus: float = Field(default=0.0, ge=0)
    importance_weighting: bool = False
    """Weight stored rollouts by how likely the current weights are to draw them."""
    start_from: Literal["scratch", "champion", "champion_or_scratch"] = "scratch"
    max_failed_fraction: float = Field(default=0.5, gt=0, le=1)
    """A batch of which more fails stops the run: something is wrong with the endpoint."""
