"""Training: reward, credit, baseline, the gradient step and checkpoints."""

from lamas.training.baseline import (
    BASELINES,
    Advantage,
    Baseline,
    BaselineSettings,
    BaselineState,
    build_baseline,
)
from lamas.training.batch import assign_credit
from lamas.training.checkpoint import (
    SavedCheckpoint,
    checkpoint_path,
    load_checkpoint,
    load_controller,
    save_checkpoint,
    state_digest,
)
from lamas.training.credit import CREDIT_RULES, CreditRule, credit_rule
from lamas.training.reward import DecisionReward, RewardWeights, rollout_reward
from lamas.training.schedule import problem_batch, rollout_seed
from lamas.training.settings import TrainerSettings
from lamas.training.trainer import Trainer, UpdateResult

__all__ = [
    "BASELINES",
    "CREDIT_RULES",
    "Advantage",
    "Baseline",
    "BaselineSettings",
    "BaselineState",
    "CreditRule",
    "DecisionReward",
    "RewardWeights",
    "SavedCheckpoint",
    "Trainer",
    "TrainerSettings",
    "UpdateResult",
    "assign_credit",
    "build_baseline",
    "checkpoint_path",
    "credit_rule",
    "load_checkpoint",
    "load_controller",
    "problem_batch",
    "rollout_reward",
    "rollout_seed",
    "save_checkpoint",
    "state_digest",
]
