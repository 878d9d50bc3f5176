"""Whether what people ask differs from what the champion was trained on, by their embeddings."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamas.domain.drift import LEAST_QUESTIONS
from lamas.evaluation.drift import Departure

METRIC = "live_mix"
RESAMPLES = 500
CONFIDENCE = 0.99


@dataclass(frozen=True, kw_only=True)
class LiveMix(Departure):
    """A mix of questions that chance does not explain; `evaluations` are the questions asked."""

    def sentence(self) -> str:
        return (
            f"drift: the last {self.evaluations} questions asked lie {self.value:.3g} from those "
            f"the champion was trained on, chance explains {self.high:.3g}"
        )


def live_mix_departure(
    asked: NDArray[np.float32],
    trained: NDArray[np.float32],
    *,
    least: float,
    seed: int,
) -> LiveMix | None:
    """The distance of the mean embeddings, if it is at least `least` and beyond what dealing the
    same questions out at random gives in 99 of 100 cases (a permutation test of two means).

    `asked` [m, 384] and `trained` [n, 384] float32 of length 1. None for fewer than 20 of `asked`
    or none of `trained`.
    """
    if len(asked) < LEAST_QUESTIONS or not len(trained):
        return None
    both = np.concatenate([asked, trained]).astype(np.float64)
    value = _distances(both, np.arange(len(both))[None] < len(asked))[0]
    generator = np.random.Generator(np.random.Philox(key=seed))
    ranks = generator.random((RESAMPLES, len(both))).argsort(axis=1)
    high = float(np.quantile(_distances(both, ranks < len(asked)), CONFIDENCE))
    if value < least or value <= high:
        return None
    return LiveMix(metric=METRIC, value=float(value), low=0.0, high=high, evaluations=len(asked))


def _distances(points: NDArray[np.float64], first: NDArray[np.bool_]) -> NDArray[np.float64]:
    """[R]: between the means of the `first` [R, N] of the points [N, D] and of the others."""
    counts = first.sum(axis=1, keepdims=True)
    sums = first.astype(np.float64) @ points
    others = points.sum(axis=0) - sums
    means = sums / counts - others / (points.shape[0] - counts)
    return np.linalg.norm(means, axis=1)
