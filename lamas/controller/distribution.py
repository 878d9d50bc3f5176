"""The distribution of one layer: masked softmax, sampling up to τ, exact log-probability."""

from dataclasses import dataclass

import torch
from torch import Tensor

from lamas.errors import ConfigurationError, ControllerError

# Mass within this of τ has reached it: 0.1 + 0.1 + 0.1 must reach 0.3 in any order of summation,
# and with τ = 1 an operator with less mass than this is never drawn.
REACHED = 1e-9


@dataclass(frozen=True, slots=True)
class Draw:
    """Sequences a_1..a_k drawn without replacement, one row for each item of the batch."""

    order: Tensor
    """[B, O] int64: a permutation of catalogue positions whose first `count` are drawn."""
    count: Tensor
    """[B] int64: k, from 1 (0 marks a row that takes no part)."""

    @property
    def drawn(self) -> Tensor:
        """[B, O] bool over places in the sequence: place i is drawn when i < k."""
        return torch.arange(self.order.shape[1]) < self.count[:, None]

    @property
    def chosen(self) -> Tensor:
        """[B, O] bool over catalogue positions."""
        return torch.zeros_like(self.drawn).scatter(1, self.order, self.drawn)


class LayerDistribution:
    """p_ℓ over the legal operators of one layer, for a batch of rows.

    Drawing ranks operators by log p + Gumbel noise, which is sampling without replacement from
    successively renormalised p (Plackett-Luce), and stops as soon as the mass drawn reaches τ, or
    `width` operators are drawn. The stopping rule is a function of the sequence, so it adds nothing
    to the log-probability.
    """

    def __init__(
        self, logits: Tensor, legal: Tensor, tau: float, *, width: int | None = None
    ) -> None:
        """`logits` [B, O]; `legal` [B, O] bool; 0 < τ ≤ 1; `width` ≥ 1 or None for no limit.

        Raises ControllerError for logits that are not finite and for a row without a legal
        operator, ConfigurationError for τ out of range.
        """
        if not 0.0 < tau <= 1.0:
            raise ConfigurationError(f"τ must be in (0, 1], got {tau}")
        if not bool(torch.isfinite(logits).all()):
            raise ControllerError(
                "the policy's scores are not finite: lower the learning rate or restore an earlier "
                "checkpoint"
            )
        if not bool(legal.any(dim=1).all()):
            raise ControllerError("a layer has no legal operator")
        self._logits = logits.to(torch.float64)
        self._legal = legal
        self._tau = tau
        self._width = logits.shape[1] if width is None else width
        masked = self._logits.masked_fill(~legal, -torch.inf)
        self._normaliser = torch.logsumexp(masked, dim=1, keepdim=True)
        self._masked = masked

    @property
    def log_probabilities(self) -> Tensor:
        """[B, O] float64: log p_ℓ(o), −∞ exactly where the operator is illegal."""
        return self._masked - self._normaliser

    @property
    def probabilities(self) -> Tensor:
        """[B, O] float64: p_ℓ(o), 0 exactly where the operator is illegal."""
        return self.log_probabilities.exp()

    def sample(self, noise: Tensor) -> Draw:
        """Draw by `noise` [B, O], standard Gumbel variates."""
        keys = (self._logits + noise).masked_fill(~self._legal, -torch.inf)
        return self._until_tau(keys)

    def decide(self) -> Draw:
        """Operators in order of p, ties by catalogue order, until the mass reaches τ."""
        return self._until_tau(self._masked)

    def log_prob_terms(self, draw: Draw) -> Tensor:
        """[B, O] float64: log p(a_i) − log(1 − Σ_{j<i} p(a_j)) at place i, 0 beyond the draw.

        The remaining mass is the log-sum-exp of the operators not drawn yet, never a difference
        from 1, so value and gradient stay finite when almost nothing remains.
        """
        size = self._logits.shape[1]
        place = draw.order.argsort(dim=1)
        # remains[b, i, o]: operator o is legal and not among a_1..a_{i-1}.
        remains = place[:, None, :] >= torch.arange(size)[None, :, None]
        remains = remains & self._legal[:, None, :]
        drawn = draw.drawn
        # A place beyond the draw may have nothing left; any finite row does, its term is dropped.
        remains = remains | ~drawn[:, :, None]
        left = self._logits[:, None, :].expand(-1, size, -1).masked_fill(~remains, -torch.inf)
        terms = self._logits.gather(1, draw.order) - torch.logsumexp(left, dim=2)
        return torch.where(drawn, terms, torch.zeros_like(terms))

    def log_prob(self, draw: Draw) -> Tensor:
        """[B] float64: log-probability of each drawn sequence."""
        return self.log_prob_terms(draw).sum(dim=1)

    def entropy(self) -> Tensor:
        """[B] float64: −Σ p log p over the legal operators, in nats."""
        finite = (self._logits - self._normaliser).masked_fill(~self._legal, 0.0)
        return -(self.probabilities * finite).sum(dim=1)

    def _until_tau(self, keys: Tensor) -> Draw:
        order = keys.argsort(dim=1, descending=True, stable=True)
        mass = self.probabilities.gather(1, order).cumsum(dim=1)
        count = (mass < self._tau - REACHED).sum(dim=1) + 1
        count = count.clamp(max=self._width)
        return Draw(order, torch.minimum(count, self._legal.sum(dim=1)))
