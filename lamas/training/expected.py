"""The exact expectation of a one-layer controller's score and time over a table of outcomes."""

import torch
from torch import Tensor

from lamas.controller import Controller
from lamas.controller.policy import History
from lamas.controller.set_probabilities import SetLattice
from lamas.errors import ConfigurationError


class ExactChoices:
    """Probabilities of all graphs that a one-layer controller can draw, with gradients."""

    def __init__(self, controller: Controller) -> None:
        """Raises ConfigurationError for a controller of several layers."""
        settings, specs = controller.settings, controller.operators.specs
        if settings.layers != 1:
            raise ConfigurationError(
                f"learner=table sums over all graphs of one layer, controller.layers is "
                f"{settings.layers}: set it to 1, or use learner=reinforce"
            )
        self._controller = controller
        able = [place for place, one in enumerate(specs) if one.needs == 0 and one.adds > 0]
        self._able = torch.tensor(able)
        self.lattice = SetLattice(len(self._able), settings.width or len(self._able))
        """Over the operators that need no candidates, numbered in catalogue order."""

    def of(self, encoded: Tensor, condition: Tensor) -> Tensor:
        """[B, N]: probability of each set, for encoded queries and logarithms of multipliers [B].

        Exactly those with which `Controller.sample` draws them.
        """
        scores = self.scores(encoded, condition)
        legal = torch.ones_like(scores, dtype=torch.bool)
        return self.lattice.probabilities(scores, legal, self._controller.settings.tau)

    def scores(self, encoded: Tensor, condition: Tensor) -> Tensor:
        """[B, O] of the operators that may start, for queries as the policy encodes them."""
        policy, history = self._controller.policy, self.first_layer(len(encoded))
        return policy.scores(encoded, history, condition)[:, self._able]

    def first_layer(self, rows: int) -> History:
        """Nothing chosen yet, for `rows` queries."""
        nothing = torch.zeros(rows, 1, len(self._controller.operators), dtype=torch.bool)
        none = torch.zeros(rows, dtype=torch.int64)
        return History(0, nothing, none, none)
