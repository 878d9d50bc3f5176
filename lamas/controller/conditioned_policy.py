"""One policy for every trade of score against time: what a layer is worth depends on a price."""

from itertools import combinations

import torch
from torch import Tensor

from lamas.controller.condition import OperatingPoint
from lamas.controller.nearness import LANDMARKS, nearness
from lamas.controller.policy import History, Policy, zero_parameter
from lamas.errors import ConfigurationError

POINTS = 33
"""Operating points that a policy keeps."""

_IMPOSSIBLE = -1e6
_NOTHING = 1e-300


class ConditionedPolicy(Policy):
    """Values whole layers at a price of time, and scores an operator by its share in the best.

    For a query x the layer V of one to `width` operators is worth (s_V(x) − μ·t_V(x)) /
    (a + μ·b): s and t are linear in `hidden` directions of how near x lies to landmarks, a and b
    bring every multiplier μ to one scale. A softmax of the values gives each layer a weight, and
    p_ℓ(o) is what o gets when every layer hands its weight on to its members in equal parts. So the
    layer distribution, which draws operators, can become certain of any layer: with 2/3 < τ < 1
    one, two or three operators of equal shares are drawn, no more and no fewer.

    Nothing in it is random: untrained, all layers are worth the same. Training sets its state
    besides the weights: the landmarks, the directions, the scales, the range of multipliers, the
    one that holds when none is asked for, and the operating points; a checkpoint carries all of it.
    """

    member: Tensor
    needs: Tensor
    landmarks: Tensor
    near_mean: Tensor
    directions: Tensor
    units: Tensor
    range: Tensor
    default: Tensor
    points: Tensor
    sharpness: Tensor

    def __init__(self, *, layers: int, hidden: int, width: int, needs: Tensor, size: int) -> None:
        """`needs` [O]: the candidates that each operator needs; `size` of the embeddings.

        Raises ConfigurationError for more than one layer.
        """
        super().__init__()
        if layers != 1:
            raise ConfigurationError(
                f"controller=conditioned chooses one layer, controller.layers is {layers}: set it "
                "to 1, or use controller=lamas"
            )
        count = len(needs)
        largest = min(width, count)
        sets = [one for k in range(1, largest + 1) for one in combinations(range(count), k)]
        member = torch.zeros(len(sets), count, dtype=torch.float64)
        for place, one in enumerate(sets):
            member[place, list(one)] = 1.0
        directions = min(hidden, LANDMARKS)
        state = {
            "member": member,
            "needs": needs.to(torch.int64),
            "landmarks": torch.zeros(LANDMARKS, size, dtype=torch.float64),
            "near_mean": torch.zeros(LANDMARKS, dtype=torch.float64),
            "directions": torch.zeros(LANDMARKS, directions, dtype=torch.float64),
            "units": torch.ones(2, dtype=torch.float64),
            "range": torch.tensor([-1.0, 1.0], dtype=torch.float64),
            "default": torch.zeros((), dtype=torch.float64),
            "points": torch.full((POINTS, 3), torch.nan, dtype=torch.float64),
            "sharpness": torch.ones((), dtype=torch.float64),
        }
        for name, value in state.items():
            self.register_buffer(name, value)
        self.score_mean = zero_parameter(len(sets))
        self.time_mean = zero_parameter(len(sets))
        self.score_weight = zero_parameter(directions, len(sets))
        self.time_weight = zero_parameter(directions, len(sets))

    def encode(self, embeddings: Tensor) -> Tensor:
        """[B, hidden]."""
        return self.encode_near(nearness(embeddings, self.landmarks))

    def encode_near(self, near: Tensor) -> Tensor:
        """[B, hidden] of queries whose nearness [B, LANDMARKS] to the landmarks is known."""
        return (near - self.near_mean) @ self.directions

    def scores(self, encoded: Tensor, history: History, condition: Tensor | None = None) -> Tensor:
        """log p_ℓ(o); a multiplier beyond the range counts as the range's end."""
        shares = self.member / self.member.sum(dim=1, keepdim=True)
        return (self.layer_weights(encoded, history, condition) @ shares).clamp_min(_NOTHING).log()

    def layer_weights(
        self, encoded: Tensor, history: History, condition: Tensor | None = None
    ) -> Tensor:
        """[B, N]: the weight of each possible layer, by size, then in catalogue order."""
        return torch.softmax(self.layer_values(encoded, history, condition) * self.sharpness, dim=1)

    def layer_values(
        self, encoded: Tensor, history: History, condition: Tensor | None = None
    ) -> Tensor:
        """[B, N]: what each layer is worth; impossible ones far below the others."""
        asked = self.default.expand(len(encoded)) if condition is None else condition
        price = asked.clamp(self.range[0], self.range[1]).exp()[:, None]
        score = self.predicted_scores(encoded)
        time = self.time_mean + encoded @ self.time_weight
        values = (score - price * time) / (self.units[0] + price * self.units[1])
        lacking = (self.needs > history.candidates[:, None]).to(values.dtype)
        return values.masked_fill(lacking @ self.member.T > 0.0, _IMPOSSIBLE)

    def predicted_scores(self, encoded: Tensor) -> Tensor:
        """[B, N]: s_V(x)."""
        return self.score_mean + encoded @ self.score_weight

    def first_layers(self) -> Tensor:
        """[G] int64: which of the N layers a graph can begin with."""
        return torch.nonzero(self.member @ self.needs.to(torch.float64) == 0.0).squeeze(1)

    def operating_points(self) -> tuple[OperatingPoint, ...]:
        """What training measured, by rising multiplier; empty before."""
        rows: list[list[float]] = (
            self.points[torch.isfinite(self.points).all(dim=1)].numpy().tolist()
        )
        return tuple(
            OperatingPoint(multiplier=multiplier, score=score, time=time)
            for multiplier, score, time in rows
        )
