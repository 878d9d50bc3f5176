"""Problems of one benchmark version with their embeddings, by id and by split."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lamas.domain import Problem


class ProblemSet:
    """Problems of one benchmark version by id and by split, with their embeddings."""

    def __init__(self, problems: Sequence[Problem], embeddings: NDArray[np.float32]) -> None:
        """`embeddings` [n, 384] float32 in the order of `problems`."""
        self._by_id = {problem.problem_id: problem for problem in problems}
        self._embeddings = {
            problem.problem_id: row for problem, row in zip(problems, embeddings, strict=True)
        }
        self.all = tuple(problems)
        self.train = tuple(problem for problem in problems if problem.split == "train")
        self.test = tuple(problem for problem in problems if problem.split == "test")

    def of_split(self, split: Literal["train", "test", "all"]) -> tuple[Problem, ...]:
        """In the order of their source."""
        return {"train": self.train, "test": self.test, "all": self.all}[split]

    def __getitem__(self, problem_id: str) -> Problem:
        return self._by_id[problem_id]

    def embeddings(self, problems: Sequence[Problem]) -> NDArray[np.float32]:
        """[n, 384] float32 in the order of `problems`."""
        return np.stack([self._embeddings[problem.problem_id] for problem in problems])
