"""Which operators are legal next, tracked for a batch of graphs while they are chosen."""

import torch
from torch import Tensor

from lamas.domain import OperatorSet


class LegalityTracker:
    """`OperatorSet.legal`, `candidates_after` and `stops_after`, for B graphs at once."""

    def __init__(self, operators: OperatorSet, rows: int) -> None:
        """All graphs start without candidates and running."""
        self._needs = torch.tensor([spec.needs for spec in operators.specs])
        self._adds = torch.tensor([spec.adds for spec in operators.specs])
        self._replaces = torch.tensor([spec.replaces for spec in operators.specs])
        self._stops = torch.tensor([spec.stops for spec in operators.specs])
        self.candidates = torch.zeros(rows, dtype=torch.int64)
        """[B] int64: candidates the layers so far leave."""
        self.running = torch.ones(rows, dtype=torch.bool)
        """[B] bool: no operator that stops was chosen yet."""

    def legal(self, rows: Tensor) -> Tensor:
        """[len(rows), O] bool for the graphs with indices `rows`."""
        return self._needs[None, :] <= self.candidates[rows, None]

    def advance(self, rows: Tensor, chosen: Tensor) -> None:
        """Add a layer: `chosen` [len(rows), O] bool for the graphs with indices `rows`."""
        picked = (chosen & self._replaces).any(dim=1)
        before = self.candidates[rows]
        kept = torch.where(picked, torch.ones_like(before), before)
        self.candidates[rows] = kept + (chosen * self._adds).sum(dim=1)
        self.running[rows] = self.running[rows] & ~(chosen & self._stops).any(dim=1)
