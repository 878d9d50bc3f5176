"""Random numbers as a function of a key: no state, so order and concurrency do not matter."""

import hashlib
import math
from collections.abc import Sequence
from statistics import NormalDist

_NORMAL = NormalDist()
_SEPARATOR = b"\x1f"


class Draws:
    """Independent draws named by a purpose, all derived from one key by BLAKE2b.

    Two objects with equal keys give equal draws in every process; asking for one purpose never
    changes what another purpose gives.
    """

    __slots__ = ("_base",)

    def __init__(self, *key: str) -> None:
        self._base = hashlib.blake2b(_SEPARATOR.join(map(_encode, key)), digest_size=8)

    def integer(self, purpose: str) -> int:
        """Uniform in [0, 2^64)."""
        state = self._base.copy()
        state.update(_SEPARATOR + _SEPARATOR + _encode(purpose))
        return int.from_bytes(state.digest(), "big")

    def uniform(self, purpose: str) -> float:
        """Uniform in (0, 1), both ends excluded."""
        return ((self.integer(purpose) >> 12) + 0.5) / (1 << 52)

    def normal(self, purpose: str) -> float:
        """Standard normal."""
        return _NORMAL.inv_cdf(self.uniform(purpose))

    def below(self, purpose: str, count: int) -> int:
        """Uniform in 0..count-1."""
        return self.integer(purpose) % count

    def weighted(self, purpose: str, weights: Sequence[float]) -> int:
        """Index i with probability weights[i] / Σ weights."""
        threshold = self.uniform(purpose) * math.fsum(weights)
        for index, weight in enumerate(weights):
            threshold -= weight
            if threshold < 0:
                return index
        return len(weights) - 1


def sigmoid(logit: float) -> float:
    """1 / (1 + e^−x) without overflow."""
    if logit >= 0:
        return 1.0 / (1.0 + math.exp(-logit))
    exponential = math.exp(logit)
    return exponential / (1.0 + exponential)


def _encode(part: str) -> bytes:
    # A lone surrogate may arrive in a label or a prompt; it must not end the request.
    return part.encode("utf-8", "surrogatepass")
