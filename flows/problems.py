"""The problems of a run: what the benchmark says now, held against what `prepare` stored."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from flows.session import Session
from flows.workplace import Workplace
from lamas.benchmarks import check_same_split, check_unchanged
from lamas.domain import Problem
from lamas.errors import BenchmarkError


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


def checked_problems(current: Workplace) -> tuple[Problem, ...]:
    """What the benchmark's source holds; BenchmarkError when it contradicts a stored split."""
    problems = current.loaded
    if not current.settings.warehouse.exists():
        return problems
    name = current.benchmark.name
    stored = current.reader.problems(benchmark=name)
    # Generated problems are a function of their parameters: other parameters are another version,
    # not a changed source.
    if current.settings.benchmark.kind != "generated":
        for version in {problem.version for problem in stored}:
            check_unchanged(
                benchmark=name, stored_version=version, current_version=problems[0].version
            )
    check_same_split({problem.problem_id: problem.split for problem in stored}, problems)
    return problems


def problem_set(current: Session) -> ProblemSet:
    """The run's problems with stored embeddings; BenchmarkError when `prepare` did not run."""
    if current.problems is None:
        problems = prepared_problems(current)
        embeddings = current.reader.embeddings([problem.problem_id for problem in problems])
        current.problems = ProblemSet(problems, embeddings)
    return current.problems


def unprepared(current: Workplace) -> tuple[str, ...]:
    """Ids of the benchmark's problems that are not stored."""
    wanted = [problem.problem_id for problem in current.loaded]
    stored = {item.problem_id for item in current.reader.problems(problem_ids=wanted)}
    return tuple(name for name in wanted if name not in stored)


def prepared_problems(current: Workplace) -> tuple[Problem, ...]:
    """What the benchmark's source holds, all of it stored; BenchmarkError otherwise."""
    problems = checked_problems(current)
    missing = unprepared(current)
    if missing:
        raise BenchmarkError(
            f"{len(missing)} of {len(problems)} problems of benchmark "
            f"{current.benchmark.name!r} are not in {current.settings.warehouse}; "
            "run `lamas prepare` with the same overrides first"
        )
    return problems
