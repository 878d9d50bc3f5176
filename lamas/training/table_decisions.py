"""What a controller that was fitted to a table decides, and what it expects of it."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lamas.controller import Controller
from lamas.controller.conditioned_policy import ConditionedPolicy
from lamas.controller.distribution import LayerDistribution
from lamas.errors import ConfigurationError
from lamas.execution.graph_values import Floats
from lamas.training.expected import ExactChoices


@torch.no_grad()
def decided_graphs(
    controller: Controller, embeddings: Floats, condition: float
) -> NDArray[np.int64]:
    """[P]: the decided graph of each query at one logarithm of a multiplier, as a position in the
    lattice of `ExactChoices`.
    """
    encoded = policy_of(controller).encode(torch.from_numpy(embeddings))
    return decided_of(controller, encoded, condition)


@torch.no_grad()
def decided_of(controller: Controller, encoded: Tensor, condition: float) -> NDArray[np.int64]:
    """The same for queries as the policy encodes them."""
    choices = ExactChoices(controller)
    scores = choices.scores(encoded, torch.full((len(encoded),), condition, dtype=torch.float64))
    settings = controller.settings
    legal = torch.ones_like(scores, dtype=torch.bool)
    drawn = LayerDistribution(scores, legal, settings.tau, width=settings.width).decide().chosen
    bits = 1 << np.arange(drawn.shape[1])
    positions = np.full(1 << drawn.shape[1], -1, dtype=np.int64)
    for place, chosen in enumerate(choices.lattice.sets):
        positions[bits[list(chosen)].sum()] = place
    return positions[drawn.numpy() @ bits]


@torch.no_grad()
def predicted_scores(controller: Controller, encoded: Tensor) -> Floats:
    """[P, G]: the score that a fitted policy expects of every graph of its table, for queries as it
    encodes them.
    """
    policy = policy_of(controller)
    return policy.predicted_scores(encoded)[:, policy.first_layers()].numpy()


def policy_of(controller: Controller) -> ConditionedPolicy:
    """The controller's policy; ConfigurationError for one that knows no conditions."""
    policy = controller.policy
    if not isinstance(policy, ConditionedPolicy):
        raise ConfigurationError(f"controller={controller.settings.kind} knows no conditions")
    return policy
