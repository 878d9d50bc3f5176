"""What is learned from: queries, and what every graph would score and take for each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamas.domain import ExecutionGraph
from lamas.errors import DomainError
from lamas.execution.graph_values import Floats


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrainingTable:
    """What is learned from: queries, and what every graph would score and take for each."""

    embeddings: Floats
    """[P, 384]."""
    graphs: tuple[ExecutionGraph, ...]
    """As `one_layer_graphs` gives them for the controller's operators and width."""
    score: Floats
    """[P, G]."""
    time: Floats
    """[P, G] in the clock's unit: tokens of CP_len, or seconds."""

    def __post_init__(self) -> None:
        shape = (len(self.embeddings), len(self.graphs))
        if self.score.shape != shape or self.time.shape != shape:
            raise DomainError(
                f"scores {list(self.score.shape)} and times {list(self.time.shape)} must be "
                f"{list(shape)}: problems × graphs"
            )

    def rows(self, rows: NDArray[np.int64]) -> "TrainingTable":
        return TrainingTable(
            embeddings=self.embeddings[rows],
            graphs=self.graphs,
            score=self.score[rows],
            time=self.time[rows],
        )
