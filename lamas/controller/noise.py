"""The sampler's noise: Gumbel variates that are a function of a rollout's seed alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def gumbel_noise(seeds: Sequence[int], layers: int, operators: int) -> NDArray[np.float64]:
    """Standard Gumbel variates [len(seeds), layers, operators].

    Row b is the start of the Philox stream with key `seeds[b]`: it depends neither on the other
    seeds nor on how many layers are asked for. Seeds must be ≥ 0.
    """
    uniform = np.empty((len(seeds), layers, operators))
    for row, seed in enumerate(seeds):
        uniform[row] = np.random.Generator(np.random.Philox(key=seed)).random((layers, operators))
    # Into (0, 1): the generator can return 0, whose logarithm is −∞.
    np.maximum(uniform, np.finfo(np.float64).tiny, out=uniform)
    return -np.log(-np.log(uniform))
