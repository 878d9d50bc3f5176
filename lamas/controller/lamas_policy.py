"""The policy of this project: it starts undecided, and it can become certain."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from lamas.controller.policy import History, Policy, uniform_parameter, zero_parameter

# Adam moves every weight by about its learning rate in a step, so how far a score moves is set by
# how many weights feed it. With these gains a first step at lr 0.01 moves a score by about 0.3,
# most of it through the context: some ten consistent steps from undecided to certain, and none
# that jumps. Gains between half and four times these learn equally well.
_CONTEXT_GAIN = 2.0
_PREFERENCE_GAIN = 4.0


class LamasPolicy(Policy):
    """Scores are (preference of the layer + context · key of the operator) / temperature.

    Against the published policy: the temperature is learned, so probabilities may approach 0 and 1;
    the context pools all operators of all earlier layers instead of one; layers share the
    projections and differ by an embedding; the number of candidates at hand is an input. The last
    map and the preferences start at zero, so every legal operator starts equally likely and the
    first updates go where the rewards point.
    """

    operator_embeddings: Tensor

    def __init__(
        self,
        *,
        layers: int,
        hidden: int,
        operator_embeddings: Tensor,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        count, size = operator_embeddings.shape
        # Descriptions of operators resemble each other; what they share would drown what differs.
        centred = operator_embeddings - operator_embeddings.mean(dim=0, keepdim=True)
        self.register_buffer("operator_embeddings", normalize(centred, dim=1))
        self.query_weight = uniform_parameter((size, hidden), 1, generator)
        self.key_weight = uniform_parameter((size, hidden), 1, generator)
        self.history_weight = uniform_parameter((2 * count, hidden), 1, generator)
        self.candidates_weight = uniform_parameter((1, hidden), 1, generator)
        self.layer_embedding = uniform_parameter((layers, hidden), 1, generator)
        self.out_weight = zero_parameter(hidden, hidden)
        self.preference = zero_parameter(layers, count)
        self.log_temperature = zero_parameter()

    def encode(self, embeddings: Tensor) -> Tensor:
        """[B, hidden]."""
        return embeddings @ self.query_weight

    def scores(self, encoded: Tensor, history: History, condition: Tensor | None = None) -> Tensor:
        """Any real numbers."""
        context = torch.tanh(
            encoded
            + self.layer_embedding[history.layer]
            + self._pooled(history) @ self.history_weight
            + torch.log1p(history.candidates.to(encoded.dtype))[:, None] * self.candidates_weight
        )
        hidden = context.shape[1]
        keys = normalize(self.operator_embeddings @ self.key_weight, dim=1)
        matched = context @ self.out_weight @ keys.T * (_CONTEXT_GAIN / math.sqrt(hidden))
        preference = self.preference[history.layer] * _PREFERENCE_GAIN
        return (preference + matched) * torch.exp(-self.log_temperature)

    def _pooled(self, history: History) -> Tensor:
        """[B, 2·O]: the previous layer, and the mean over all earlier layers."""
        chosen = history.chosen.to(self.preference.dtype)
        if history.layer == 0:
            return torch.cat([chosen[:, 0], chosen[:, 0]], dim=1)
        previous = chosen[:, history.layer - 1]
        return torch.cat([previous, chosen.sum(dim=1) / history.layer], dim=1)


def temperature(policy: nn.Module) -> float | None:
    """The learned temperature, None for a policy without one."""
    if isinstance(policy, LamasPolicy):
        return math.exp(policy.log_temperature.item())
    return None
