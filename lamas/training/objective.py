"""What the gradient step minimises: minus the mean of advantage times log-probability."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lamas.controller import LogProbabilities
from lamas.domain import Rollout
from lamas.training.settings import TrainerSettings


@dataclass(frozen=True, slots=True)
class Objective:
    """The loss of a batch and what it was made of."""

    loss: Tensor
    entropy: Tensor
    """Mean entropy of p_ℓ over all layers of all rollouts, in nats."""
    drift: float
    """Largest |log-probability now − as recorded|: ≈ 0 when these weights drew the rollouts."""


def objective(
    current: LogProbabilities,
    rollouts: Sequence[Rollout],
    advantages: Sequence[float],
    settings: TrainerSettings,
) -> Objective:
    """−mean over decisions of advantage × log π(decision) − bonus × mean entropy.

    `advantages` stand in the order of `current.decisions`: rollout by rollout, decision by
    decision. With importance weighting each term is multiplied by min(π(graph) / π_recorded(graph),
    cap), which carries no gradient.
    """
    recorded = torch.tensor(
        [item.log_probability for rollout in rollouts for item in rollout.plan.decisions],
        dtype=torch.float64,
    )
    change = current.decisions.detach() - recorded
    weighted = torch.tensor(advantages, dtype=torch.float64)
    if settings.importance_weighting:
        weighted = weighted * _graph_ratios(change, rollouts, settings.importance_cap)
    entropy = current.entropies.mean()
    loss = -(weighted * current.decisions).mean()
    if settings.entropy_bonus > 0.0:
        loss = loss - settings.entropy_bonus * entropy
    return Objective(loss=loss, entropy=entropy.detach(), drift=float(change.abs().max()))


def _graph_ratios(change: Tensor, rollouts: Sequence[Rollout], cap: float) -> Tensor:
    """For each decision the capped probability ratio of its whole graph."""
    lengths = torch.tensor([len(rollout.plan.decisions) for rollout in rollouts])
    graph = torch.repeat_interleave(torch.arange(len(rollouts)), lengths)
    total = torch.zeros(len(rollouts), dtype=torch.float64).index_add(0, graph, change)
    return total.exp().clamp(max=cap)[graph]
