"""The empirical quantile per (operator, model): what a learned model of lengths must beat."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lamas.serving.prediction.observed import ObservedCall


class EmpiricalLengths:
    """Training lengths by role and model; unknown pairs take those of all calls."""

    def __init__(self, calls: Sequence[ObservedCall]) -> None:
        groups: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        for call in calls:
            groups[call.role, call.model].append(call.output_tokens)
        self._groups = {key: np.array(found) for key, found in groups.items()}
        self._all: NDArray[np.int64] = np.array([call.output_tokens for call in calls])

    def quantile(self, role: str, model: str, level: float) -> float:
        """Tokens below which a share `level` of the pair's training answers lie."""
        return float(np.quantile(self._groups.get((role, model), self._all), level))
