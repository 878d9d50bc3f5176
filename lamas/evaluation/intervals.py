"""Intervals: exact or Wilson's for a share of independent successes, cluster bootstrap for else."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import scipy
from numpy.typing import NDArray

from lamas.errors import DomainError

CONFIDENCE = 0.95
RESAMPLES = 2000
EXACT_BELOW = 40

# Of one block of resamples: few enough to stay in the cache.
_CELLS = 32_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval and how it was found."""

    low: float
    high: float
    method: str


def wilson(successes: int, n: int) -> Interval:
    """Wilson score interval (1927) for a proportion of `n` ≥ 1 independent trials."""
    if not 0 <= successes <= n or n < 1:
        raise DomainError(f"no share of {successes} successes in {n} trials")
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    share = successes / n
    centre = share + z * z / (2 * n)
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return Interval(
        # At the ends the bound is exact; rounding would leave a trace.
        low=(centre - reach) / scale if successes > 0 else 0.0,
        high=(centre + reach) / scale if successes < n else 1.0,
        method="wilson",
    )


def clopper_pearson(successes: int, n: int) -> Interval:
    """Exact interval (Clopper and Pearson 1934) for a proportion of `n` ≥ 1 independent trials.

    It covers at least 95 % for every n, so it is wider than need be: for small n.
    """
    if not 0 <= successes <= n or n < 1:
        raise DomainError(f"no share of {successes} successes in {n} trials")
    # Quantiles of the beta distribution, as scipy.stats.binomtest has them: that takes a second
    # to load, in a run that needs nothing else of it.
    tail = (1 - CONFIDENCE) / 2
    quantile = scipy.special.betaincinv
    return Interval(
        low=float(quantile(successes, n - successes + 1, tail)) if successes > 0 else 0.0,
        high=float(quantile(successes + 1, n - successes, 1 - tail)) if successes < n else 1.0,
        method="clopper-pearson",
    )


def proportion(successes: int, n: int) -> Interval:
    """Exact below `EXACT_BELOW` trials, where no approximation should be trusted; else Wilson's."""
    return clopper_pearson(successes, n) if n < EXACT_BELOW else wilson(successes, n)


def cluster_bootstrap(
    clusters: Sequence[str],
    statistic: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> Interval | None:
    """Percentile interval over resamples of whole clusters, drawn with replacement.

    Rollouts of one problem resemble each other, so the problems are what is resampled. `clusters`
    names the cluster of each of N observations; `statistic` maps weights [R, N] (how often each
    observation occurs in each resample) to [R] values. None when there are fewer than 2 clusters.
    Values that are not finite are left out.
    """
    names, member = np.unique(np.asarray(clusters), return_inverse=True)
    if len(names) < 2:
        return None
    blocks = [
        statistic(counts[:, member])
        for counts in resampled_counts(
            len(names),
            len(clusters),
            resamples,
            np.random.Generator(np.random.Philox(key=seed)),
        )
    ]
    values = np.concatenate(blocks)
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return None
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(
        low=float(low),
        high=float(high),
        method=f"cluster bootstrap over {len(names)} problems, {resamples} resamples",
    )


def resampled_counts(
    clusters: int, observations: int, resamples: int, generator: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Blocks [r, clusters] of how often each cluster was drawn; together `resamples` rows.

    Each row has its own share of the generator's stream, so the size of the blocks, which
    `observations` bounds, changes nothing.
    """
    block = max(1, _CELLS // max(observations, clusters))
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = generator.integers(0, clusters, size=(rows, clusters))
        flat = drawn + np.arange(rows, dtype=np.int64)[:, None] * clusters
        counts = np.bincount(flat.ravel(), minlength=rows * clusters)
        yield counts.reshape(rows, clusters)
