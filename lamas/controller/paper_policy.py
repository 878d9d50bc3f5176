"""The published policy: cosine of projections, which bounds every probability from both sides."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from lamas.controller.policy import History, Policy, uniform_parameter, zero_parameter


class PaperPolicy(Policy):
    """Each layer has its own projections of query and operators to `hidden` numbers.

    From the second layer on, the query's projection is mixed with that of the operator drawn first
    in the layer before. Scores are cosines without a temperature, so over seven legal operators
    every probability lies in [e⁻¹/(e⁻¹ + 6e), e/(e + 6e⁻¹)] = [0.022, 0.552]: with τ = 0.3 the
    policy can never be sure of a narrow layer.
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
        size = operator_embeddings.shape[1]
        self.register_buffer("operator_embeddings", operator_embeddings)
        self.query_weight = uniform_parameter((layers, size, hidden), size, generator)
        self.query_bias = zero_parameter(layers, hidden)
        self.operator_weight = uniform_parameter((layers, size, hidden), size, generator)
        self.operator_bias = zero_parameter(layers, hidden)
        # The first layer has nothing before it.
        mixed = max(layers - 1, 0)
        self.mix_weight = uniform_parameter((mixed, 2 * hidden, hidden), 2 * hidden, generator)
        self.mix_bias = zero_parameter(mixed, hidden)

    def encode(self, embeddings: Tensor) -> Tensor:
        """[B, L, hidden]."""
        return torch.einsum("bd,ldh->blh", embeddings, self.query_weight) + self.query_bias

    def scores(self, encoded: Tensor, history: History, condition: Tensor | None = None) -> Tensor:
        """Cosines in [−1, 1]."""
        layer = history.layer
        operators = self.operator_embeddings @ self.operator_weight[layer]
        operators = operators + self.operator_bias[layer]
        query = encoded[:, layer]
        if layer > 0:
            pair = torch.cat([query, operators[history.first]], dim=1)
            query = pair @ self.mix_weight[layer - 1] + self.mix_bias[layer - 1]
        return normalize(query, dim=1) @ normalize(operators, dim=1).T
