"""What a policy is: scores for every operator of the next layer, given query and history."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class History:
    """What was chosen before the layer that is scored, for a batch of B graphs."""

    layer: int
    """ℓ − 1: index of the layer to score, from 0."""
    chosen: Tensor
    """[B, L, O] bool: operators of the earlier layers, False from `layer` on."""
    first: Tensor
    """[B] int64: catalogue position of the operator drawn first in the previous layer; 0 and
    without meaning when `layer` is 0."""
    candidates: Tensor
    """[B] int64: candidates that the earlier layers leave."""

    def of(self, rows: Tensor) -> "History":
        """The history of the graphs with indices `rows`."""
        return History(self.layer, self.chosen[rows], self.first[rows], self.candidates[rows])


class Policy(nn.Module, ABC):
    """Scores operators; legality, sampling and stopping belong to `LayerDistribution`.

    All arithmetic is float64: the networks are tiny, and rounding then practically never decides
    which operator a rollout gets, whatever batch it is computed in.
    """

    @abstractmethod
    def encode(self, embeddings: Tensor) -> Tensor:
        """What of the queries [B, 384] all layers share; the first dimension stays B."""

    @abstractmethod
    def scores(self, encoded: Tensor, history: History, condition: Tensor | None = None) -> Tensor:
        """Logits [B, O] of layer `history.layer`.

        `condition` [B] is the natural logarithm of each row's multiplier; None leaves it to the
        policy. A policy that knows no conditions passes over it.
        """


def uniform_parameter(shape: tuple[int, ...], fan_in: int, generator: torch.Generator) -> Tensor:
    """A float64 parameter drawn from ±1/√fan_in by `generator`, never by torch's global one."""
    if torch.get_default_device().type == "meta":
        # Only the shape is wanted; to draw what is never there, torch would load its compiler.
        return zero_parameter(*shape)
    bound = 1.0 / math.sqrt(fan_in)
    values = torch.rand(shape, dtype=torch.float64, generator=generator)
    return nn.Parameter((2.0 * values - 1.0) * bound)


def zero_parameter(*shape: int) -> Tensor:
    """A float64 parameter of zeros."""
    return nn.Parameter(torch.zeros(shape, dtype=torch.float64))
