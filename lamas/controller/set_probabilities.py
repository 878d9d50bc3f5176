"""How likely a layer is to become each set of operators, exactly and with gradients."""

from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from lamas.controller.distribution import REACHED

# What is left when all but nothing is drawn; only keeps a division finite.
_NOTHING = 1e-300


@dataclass(frozen=True, slots=True)
class _Size:
    """All sets of one size k, and how each is reached by one more draw."""

    member: Tensor
    """[N_k, O] float64: 1 where the operator is in the set."""
    parent: Tensor
    """[N_k, k]: position, among the sets of size k − 1, of the set without each of its members."""
    added: Tensor
    """[N_k, k]: the member that the parent lacks."""


class SetLattice:
    """The sets of at most `width` of O operators: by size, then in catalogue order.

    A drawn sequence stops at a mass that depends on what was drawn, not on the order, so the
    probability of ending with a set follows from those of its subsets: a sum over all sequences
    without writing them down.
    """

    def __init__(self, operators: int, width: int) -> None:
        self.width = min(width, operators)
        self.sets = tuple(
            chosen
            for size in range(1, self.width + 1)
            for chosen in combinations(range(operators), size)
        )
        """Catalogue positions of each set's members."""
        self._sizes = [_size(operators, size) for size in range(1, self.width + 1)]

    def probabilities(self, logits: Tensor, legal: Tensor, tau: float) -> Tensor:
        """[B, N] float64: probability that a layer drawn from `logits` [B, O] ends as each set.

        As `LayerDistribution` with the same τ and width draws it; rows sum to 1.
        """
        masked = logits.masked_fill(~legal, -torch.inf)
        p = torch.softmax(masked, dim=1)
        able = legal.to(p.dtype)
        # Before the first draw nothing is drawn and the layer goes on.
        going = p.new_ones(len(p), 1)
        left = p.new_ones(len(p), 1)
        found: list[Tensor] = []
        for size in self._sizes:
            step = p[:, size.added] / left[:, size.parent]
            reached = (going[:, size.parent] * step).sum(dim=2)
            others = 1.0 - size.member
            left = (p @ others.T).clamp_min(_NOTHING)
            # It ends at the mass τ, at the width, and where nothing legal is left.
            ends = (p @ size.member.T >= tau - REACHED) | ((able @ others.T) == 0.0)
            if size.parent.shape[1] == self.width:
                ends = torch.ones_like(ends)
            found.append(torch.where(ends, reached, 0.0))
            going = torch.where(ends, 0.0, reached)
        return torch.cat(found, dim=1)


def _size(operators: int, size: int) -> _Size:
    before = {
        chosen: place for place, chosen in enumerate(combinations(range(operators), size - 1))
    }
    chosen = list(combinations(range(operators), size))
    member = torch.zeros(len(chosen), operators, dtype=torch.float64)
    member.scatter_(1, torch.tensor(chosen), 1.0)
    parent = [[before[one[:place] + one[place + 1 :]] for place in range(size)] for one in chosen]
    return _Size(member, torch.tensor(parent), torch.tensor(chosen))
