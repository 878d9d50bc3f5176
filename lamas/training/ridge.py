"""Where the policy starts: ridge regression of every graph's score and time on features."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamas.execution.graph_values import Floats
from lamas.training.linear_algebra import eigenvectors, product

# Of the ridge, in units of the embeddings' variance over all directions.
_STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """The embeddings' main directions, scaled so that a ridge regression is one product."""

    mean: Floats
    """[384]."""
    basis: Floats
    """[384, R]: (x − mean) · basis are features F; the ridge's weights are Fᵀ·Y / P."""

    def features(self, embeddings: Floats) -> Floats:
        """[P, R]."""
        return product(embeddings - self.mean, self.basis)


@dataclass(frozen=True, slots=True, eq=False)
class PrincipalAxes:
    """The `count` directions in which embeddings vary most."""

    mean: Floats
    """[384]."""
    axes: Floats
    """[384, R], each of length 1, by falling variance."""
    variance: Floats
    """[R]."""
    total: float
    """Variance over all directions."""

    @classmethod
    def of(cls, embeddings: Floats, count: int) -> "PrincipalAxes":
        """Of [P, 384]."""
        mean = embeddings.mean(axis=0)
        centred = embeddings - mean
        covariance = product(centred.T, centred) / len(centred)
        variance, axes = eigenvectors(covariance)
        kept = np.argsort(-variance, kind="stable")[:count]
        axes = axes[:, kept]
        # An eigenvector's sign is the library's whim; its largest component shall be positive.
        largest = np.abs(axes).argmax(axis=0)
        axes = axes * np.sign(axes[largest, np.arange(len(kept))])
        return cls(mean, axes, variance[kept].clip(min=0.0), float(variance.clip(min=0.0).sum()))

    def under(self, strength: float) -> Directions:
        """Scaled for a ridge of that strength."""
        ridge = strength * max(self.total, 1e-12)
        return Directions(self.mean, self.axes / np.sqrt(self.variance + ridge))


def best_strength(
    embeddings: Floats,
    count: int,
    score: Floats,
    time: Floats,
    *,
    multipliers: Floats,
    units: tuple[float, float],
) -> float:
    """The ridge whose leave-one-out predictions choose the graphs of the highest mean value.

    `score` and `time` are [P, G]; a graph's value is (score − μ·time) / (a + μ·b) with `units`
    (a, b), and the mean is over problems and multipliers. The prediction without a problem follows
    from the whole regression: (ŷ − h·y) / (1 − h), h the problem's leverage.
    """
    found: list[float] = []
    rows = np.arange(len(embeddings))
    axes = PrincipalAxes.of(embeddings, count)
    targets = np.concatenate([score - score.mean(axis=0), time - time.mean(axis=0)], axis=1)
    for strength in _STRENGTHS:
        features = axes.under(strength).features(embeddings)
        leverage = (features**2).sum(axis=1)[:, None] / len(rows)
        predicted = product(features, product(features.T, targets)) / len(rows)
        unseen = (predicted - leverage * targets) / np.maximum(1.0 - leverage, 1e-6)
        scores = unseen[:, : score.shape[1]] + score.mean(axis=0)
        times = unseen[:, score.shape[1] :] + time.mean(axis=0)
        value = 0.0
        for multiplier in multipliers.tolist():
            chosen = (scores - multiplier * times).argmax(axis=1)
            gained = score[rows, chosen] - multiplier * time[rows, chosen]
            value += float(gained.mean()) / (units[0] + multiplier * units[1])
        found.append(value)
    return _STRENGTHS[int(np.argmax(found))]


def chosen_rows(random: np.random.Generator, problems: int, batch: int) -> NDArray[np.int64]:
    """Which problems a step uses: all when they fit, else drawn without replacement."""
    if problems <= batch:
        return np.arange(problems)
    return random.choice(problems, batch, replace=False)
