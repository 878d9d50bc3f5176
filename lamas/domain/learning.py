"""What training leaves: credits, updates, checkpoints, evaluation metrics."""

from dataclasses import dataclass
from typing import Literal

CheckpointStatus = Literal["candidate", "champion", "retired"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Credit:
    """The reward of one decision under one credit rule, split into its terms."""

    rollout_id: str
    layer: int
    operator: str
    credit_rule: str
    score_term: float
    """S."""
    cost_term: float
    """−λ_c·C, or the operator's own share of it."""
    latency_term: float
    """−λ_t·T, the time the operator added, or 0."""
    reward: float
    """Sum of the three terms, added left to right."""
    baseline: float
    scale: float
    """What (reward − baseline) was divided by."""
    advantage: float
    latency_model_id: str | None = None
    """Latency model whose predicted seconds `latency_term` charges; None: T = CP_len / γ."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """One optimiser step."""

    update_id: str
    run_id: str
    step: int
    rollouts: int
    """Rollouts used."""
    failed_rollouts: int
    """Rollouts of the batch that failed and were left out."""
    decisions: int
    loss: float
    gradient_norm: float
    """Before clipping."""
    entropy: float
    """Mean entropy of p_ℓ over the decisions' layers, in nats."""
    baseline_mean: float
    baseline_scale: float
    learning_rate: float
    checkpoint_before: str
    checkpoint_after: str
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """One saved controller."""

    checkpoint_id: str
    """Equal to `digest`'s first 16 digits, prefixed by the controller's name."""
    run_id: str
    parent_id: str | None
    controller: str
    step: int
    digest: str
    """Digest of weights, optimiser, baseline and random state."""
    path: str
    status: CheckpointStatus
    created_at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationMetric:
    """One metric of one evaluation."""

    evaluation_id: str
    run_id: str
    checkpoint_id: str | None
    policy: str
    split: str
    metric: str
    """`score`, `cost_usd`, `cp_tokens_mean`, `cp_tokens_p50`, `makespan_seconds_mean` …"""
    value: float
    low: float | None
    """Lower end of the 95 % interval."""
    high: float | None
    n: int
    """Rollouts it was computed from."""
    failed: int
    """Rollouts left out because they failed."""
    method: str
    """How value and interval were computed."""
