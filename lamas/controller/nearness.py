"""How near queries lie to landmarks: a policy of tables knows a query by that alone."""

import torch
from torch import Tensor

LANDMARKS = 512
"""Landmarks that a policy has room for."""


def nearness(queries: Tensor, landmarks: Tensor) -> Tensor:
    """[B, M]: exp(−‖x − l‖) of [B, 384] and [M, 384], the Laplacian kernel; 1 where they are equal.

    Differences are taken before they are squared: a product of matrices would leave rounding where
    a query is a landmark, and other bits in other batches.
    """
    apart = torch.cdist(queries, landmarks, compute_mode="donot_use_mm_for_euclid_dist")
    return torch.exp(-apart)
