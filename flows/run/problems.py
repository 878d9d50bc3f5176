"""The problems of a run: what the benchmark says now, held against what `prepare` stored."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from flows.run.session import Session
from flows.wiring.parts import Parts
from lamas.benchmarks import check_same_split, check_unchanged
from lamas.benchmarks.problem_set import ProblemSet
from lamas.domain import Problem
from lamas.errors import BenchmarkError


def checked_problems(current: Parts) -> tuple[Problem, ...]:
    """What the benchmark's source holds; BenchmarkError when it contradicts a stored split."""
    problems = current.loaded
    if not current.settings.warehouse.exists():
        return problems
    name = current.benchmark.name
    stored = current.reader.problems(benchmark=name)
    # Generated problems are a function of their parameters, and what people ask grows: that is
    # another version, not a changed source.
    config = current.settings.benchmark
    if config.kind != "generated" and not config.served:
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
        current.problems = ProblemSet(problems, _embeddings(current, problems))
    return current.problems


def _embeddings(current: Session, problems: Sequence[Problem]) -> NDArray[np.float32]:
    """Those that `prepare` stored, unless another encoder than this run's made them."""
    names = [problem.problem_id for problem in problems]
    if current.reader.encoders(names) <= {current.encoder.kind}:
        return current.reader.embeddings(names)
    return current.encoder.encode([problem.question for problem in problems])


def unprepared(current: Parts) -> tuple[str, ...]:
    """Ids of the benchmark's problems that are not stored."""
    wanted = [problem.problem_id for problem in current.loaded]
    stored = {item.problem_id for item in current.reader.problems(problem_ids=wanted)}
    return tuple(name for name in wanted if name not in stored)


def prepared_problems(current: Parts) -> tuple[Problem, ...]:
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
