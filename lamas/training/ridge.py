"""Where the policy starts: ridge regression of every graph's score and time on the embedding."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamas.execution.graph_values import Floats

# Of the ridge, in units of the embeddings' variance over all directions.
_STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)


@dataclass(frozen=True, slots=True)
class Directions:
    """The embeddings' main directions, scaled so that a ridge regression is one product."""

    mean: Floats
    """[384]."""
    basis: Floats
    """[384, R]: (x − mean) · basis are features F; the ridge's weights are Fᵀ·Y / P."""

    def features(self, embeddings: Floats) -> Floats:
        return (embeddings - self.mean) @ self.basis


def directions(embeddings: Floats, count: int, strength: float) -> Directions:
    """The `count` directions of most variance of [P, 384], under a ridge of that strength."""
    mean = embeddings.mean(axis=0)
    centred = embeddings - mean
    variance, axes = np.linalg.eigh(centred.T @ centred / len(centred))
    kept = np.argsort(-variance, kind="stable")[:count]
    # An eigenvector's sign is the library's whim; its largest component shall be positive.
    axes = axes[:, kept]
    largest = np.abs(axes).argmax(axis=0)
    axes = axes * np.sign(axes[largest, np.arange(len(kept))])
    ridge = strength * max(float(variance.sum()), 1e-12)
    return Directions(mean, axes / np.sqrt(variance[kept].clip(min=0.0) + ridge))


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
    targets = np.concatenate([score - score.mean(axis=0), time - time.mean(axis=0)], axis=1)
    for strength in _STRENGTHS:
        features = directions(embeddings, count, strength).features(embeddings)
        leverage = (features**2).sum(axis=1)[:, None] / len(rows)
        predicted = features @ (features.T @ targets) / len(rows)
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
